import { NoResponseFailure } from "../findings.js";
import { abandonSync } from "../harness/abandoned-calls.js";
import type { Sent, TestAccount } from "../harness/account.js";
import { expectExactly, fillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { afterDeadline } from "../transport/deadline.js";

export const sync: readonly Case[] = [
  {
    // § SYNC-RANGE: The messages of the answer MUST be exactly those with the seqs from `acked_seq + 1` to
    // § `next_cli_seq`, in ascending order, none missing and none twice.
    id: "sync/worked-example",
    title: "bob's phone has 100 and the server 200: the phone gets 101 to 200, twice, for the first answer was lost",
    requirements: ["SYNC-RANGE", "SYNC-BASE", "SYNC-NEXT"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const sent = await fillBacklog(t, 200);
      const phone = bob.device("phone");
      phone.cliSeq = bob.base + 100;
      for (const answer of ["first", "second"]) {
        const page = await phone.sync();
        t.equal(page.ackedSeq, bob.base + 100, "SYNC-BASE", `acked_seq of the ${answer} answer`);
        t.equal(page.svrSeq, bob.base + 200, "SEND-VISIBLE", `svr_seq of the ${answer} answer`);
        const last = bob.base + 100 + page.messages.length;
        t.equal(page.nextCliSeq, last, "SYNC-NEXT", `next_cli_seq of the ${answer} answer`);
      }
      // Where pages are smaller the hundred come in several.
      await phone.catchUp();
      const got = phone.stored;
      const seqs = got.map(({ seq }) => seq - bob.base);
      const expected = Array.from({ length: 100 }, (_, n) => 101 + n);
      t.equal(seqs, expected, "SYNC-RANGE", "not 101 to 200 came, in this order");
      t.equal(phone.cliSeq, bob.base + 200, "SYNC-NEXT", "101 to 200 do not lead to 200");
      const ids = new Set(sent.map(({ clientMessageId }) => clientMessageId));
      const strange = got.filter(({ clientMessageId }) => !ids.has(clientMessageId)).length;
      t.equal(strange, 0, "AUTH-ISOLATION", "messages came that alice did not send");
    },
  },
  {
    // § ACK-NOT-ON-ANSWER: Delivering a message in an answer MUST NOT acknowledge it.
    id: "sync/answer-never-read",
    title: "bob's phone goes away before it reads the answer, three times, and asks again: nothing has happened",
    requirements: ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER", "SYNC-ANSWER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await abandonSync(t, bob, { cliSeq: bob.base, epoch: "", pageSize: 0 });
        const page = await bob.device("phone").sync({ cliSeq: bob.base });
        t.equal(page.ackedSeq, bob.base, "ACK-NOT-ON-ANSWER", "an answer that nobody has read has acked");
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", "what nobody has read did not come again");
      }
      const got = await bob.device("phone").drain();
      t.all(got, bob.base + 1, sent, "ACK-REDELIVER", "what nobody has read did not come again");
    },
  },
  {
    // § ACK-IMPLICIT: A Sync with `cli_seq` c that is answered with success MUST acknowledge every message up to c.
    id: "sync/ack-never-read",
    title:
      "bob's phone acks 3 of 5 and loses the answer; it may have acked or not, and asking again with 3 makes it sure",
    requirements: ["ACK-IMPLICIT", "SYNC-LINEARIZABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      await abandonSync(t, bob, { cliSeq: bob.base + 3, epoch: "", pageSize: 0 });
      const before = await bob.device("tablet").sync();
      const possible = [bob.base, bob.base + 3].includes(before.ackedSeq);
      t.that(possible, "SYNC-LINEARIZABLE", "a lost Sync acked in part", "all or nothing", String(before.ackedSeq));
      const page = await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      t.equal(page.ackedSeq, bob.base + 3, "ACK-IMPLICIT", "a repeated Sync did not ack");
      t.page(page, bob.base + 4, sent.slice(3), "SYNC-RANGE", "a repeated Sync did not get what follows");
    },
  },
  {
    // § SYNC-BASE: `acked_seq` of the answer MUST be the greater of the request's `cli_seq` and the acked seq that the
    // § inbox had before.
    id: "sync/base",
    title: "acked_seq of each answer is the greater one of the request's cli_seq and what was acked before",
    requirements: ["SYNC-BASE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 8);
      let acked = 0;
      for (const cliSeq of [0, 2, 1, 2, 5, 0, 4, 5, 7, 8, 3, 8]) {
        acked = Math.max(acked, cliSeq);
        const page = await bob.device().sync({ cliSeq: bob.base + cliSeq });
        t.equal(page.ackedSeq - bob.base, acked, "SYNC-BASE", `acked_seq after a Sync with base + ${cliSeq}`);
      }
    },
  },
  {
    // § SYNC-RANGE: The messages of the answer MUST be exactly those with the seqs from `acked_seq + 1` to
    // § `next_cli_seq`, in ascending order, none missing and none twice.
    id: "sync/range-from-each-seq",
    title: "from each seq on, a page is exactly what follows it: the next one first, none missing, none twice",
    requirements: ["SYNC-RANGE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 12);
      for (let cliSeq = 0; cliSeq <= 12; cliSeq += 1) {
        for (const pageSize of [0, 1, 2, 12, 13]) {
          const page = await bob.device().sync({ cliSeq: bob.base + cliSeq, pageSize });
          const most = pageSize === 0 ? 12 : pageSize;
          const expected = sent.slice(cliSeq, cliSeq + most);
          t.page(page, bob.base + cliSeq + 1, expected, "SYNC-RANGE", `the page from base + ${cliSeq} is wrong`);
        }
      }
    },
  },
  {
    id: "sync/range-of-a-long-page",
    title: "pages over 150 messages have no hole anywhere",
    requirements: ["SYNC-RANGE"],
    bulk: true,
    async run(t: Context) {
      const sent = await fillBacklog(t, 150);
      const phone = t.bob.device();
      await phone.drain();
      expectExactly(t, phone.stored, t.bob.base + 1, sent, "SYNC-RANGE");
    },
  },
  {
    // § SYNC-NEXT: `next_cli_seq` MUST be the seq of the last message of the answer, or `acked_seq` if it has none.
    id: "sync/next-is-where-the-page-ends",
    title: "next_cli_seq is the last message's seq while more is pending, and acked_seq when nothing is",
    requirements: ["SYNC-NEXT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      const page = await bob.device().sync({ pageSize: 2 });
      t.equal(page.nextCliSeq, bob.base + page.messages.length, "SYNC-NEXT", "next_cli_seq of a page of several");
      t.that(
        page.nextCliSeq < page.svrSeq,
        "SYNC-NEXT",
        "more is pending",
        `below ${page.svrSeq}`,
        `${page.nextCliSeq}`,
      );
      const phone = bob.device();
      await phone.drain();
      const { svrSeq, ackedSeq, nextCliSeq } = await phone.sync();
      const end = bob.base + 5;
      const expected = { svrSeq: end, ackedSeq: end, nextCliSeq: end };
      t.equal({ svrSeq, ackedSeq, nextCliSeq }, expected, "SYNC-NEXT", "an answer without messages");
      const fromZero = await bob.device().sync({ cliSeq: 0 });
      t.equal(fromZero.nextCliSeq, end, "SYNC-NEXT", "an answer without messages to a device that has nothing");
    },
  },
  {
    // § SYNC-EMPTY: A Sync after which nothing is pending MUST be answered with no messages, without waiting for one to
    // § come.
    id: "sync/empty-new-inbox",
    title: "bob's new inbox answers at once: nothing, three zeros and an epoch",
    requirements: ["SYNC-EMPTY", "EPOCH-PRESENT"],
    needs: { fresh: true },
    async run(t: Context) {
      const { epoch, svrSeq, ackedSeq, nextCliSeq, messages } = await soon(t, t.bob);
      t.equal(
        { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
        { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0, messages: 0 },
        "SYNC-EMPTY",
        "an inbox that never had a message does not answer like that",
      );
      t.that(epoch !== "", "EPOCH-PRESENT", "an inbox that never had a message has no epoch", "an epoch", "none");
      const sent = await t.alice.send(t.bob);
      t.page(await t.bob.device().sync({ epoch }), 1, [sent], "SEND-VISIBLE", "the first message did not come");
    },
  },
  {
    id: "sync/empty-does-not-wait",
    title: "bob has acked everything; his next Syncs are answered at once, with nothing",
    requirements: ["SYNC-EMPTY"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      for (const cliSeq of [2, 2, 0]) {
        const page = await soon(t, bob, bob.base + cliSeq);
        t.equal(page.messages.length, 0, "SYNC-EMPTY", "a message came that was acked");
      }
    },
  },
  {
    // § SYNC-ANSWER: A Sync whose `epoch` is empty or the inbox's current one, and whose `cli_seq` is not above the
    // § inbox's `svr_seq`, MUST be answered with a `SyncResponse`.
    id: "sync/anything-goes",
    title: "bob's devices sync in any order, with any page_size, with the epoch and without: each is answered",
    requirements: ["SYNC-ANSWER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      await alice.sendMany(bob, 6);
      let acked = 0;
      for (let n = 0; n < 40; n += 1) {
        const cliSeq = Math.floor(t.random() * Math.min(7, n / 5));
        const pageSize = [0, 1, 3, 1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff][n % 7] as number;
        const page = await bob
          .device(n % 2 === 0 ? "phone" : "tablet")
          .sync({ cliSeq: bob.base + cliSeq, pageSize, epoch: n % 3 === 0 ? "" : epoch });
        acked = Math.max(acked, cliSeq);
        t.equal(page.ackedSeq, bob.base + acked, "SYNC-BASE", "acked_seq is not the greatest cli_seq so far");
      }
    },
  },
  {
    // § SYNC-LINEARIZABLE: The Sends and Syncs on one inbox MUST be linearizable: each takes effect, as a whole, at one
    // § moment between its call and its answer, and all answers agree with the model for that order.
    id: "sync/same-state-for-all",
    title: "nobody sends or acks: twenty Syncs, one after the other and at once, over all endpoints, agree",
    requirements: ["SYNC-LINEARIZABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 6);
      const first = await bob.device().sync();
      const same = async (name: string) => {
        const { svrSeq, ackedSeq, epoch } = await bob.device(name).sync();
        const expected = { svrSeq: bob.base + 6, ackedSeq: bob.base, epoch: first.epoch };
        t.equal({ svrSeq, ackedSeq, epoch }, expected, "SYNC-LINEARIZABLE", "an answer is of an earlier moment");
      };
      for (let n = 0; n < 12; n += 1) await same("phone");
      await Promise.all(Array.from({ length: 8 }, (_, n) => same(`device ${n}`)));
    },
  },
  {
    id: "sync/one-moment",
    title: "alice sends while three devices of bob fetch and ack: each answer belongs to one moment",
    requirements: ["SYNC-LINEARIZABLE", "SEQ-CONTIGUOUS"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      let sending = true;
      const sends = (async () => {
        for (let n = 0; n < 12; n += 1) sent.push(...(await alice.sendAtOnce(bob, 5)));
      })().finally(() => {
        sending = false;
      });
      const devices = ["phone", "tablet", "laptop"].map((name) => bob.device(name));
      const fetches = devices.map(async (device, n) => {
        while (sending) await device.fetch(n * 2);
      });
      await Promise.all([sends, ...fetches]);
      for (const device of devices) await device.catchUp();
      // Each has what nobody had acked when it asked; together they have it all.
      const all = new Map(devices.flatMap((device) => device.stored.map((message) => [message.seq, message])));
      const got = [...all.values()].sort((a, b) => a.seq - b.seq);
      expectExactly(t, got, bob.base + 1, sent, "SYNC-LINEARIZABLE");
    },
  },
  {
    id: "sync/caught-up-while-it-comes",
    title: "three devices of bob that have everything ask all the time while alice sends: what is counted comes along",
    requirements: ["SYNC-LINEARIZABLE", "SEQ-CONTIGUOUS", "PAGE-PROGRESS"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      // Each is acked before the next is sent, so that they all ask of an empty inbox when it comes.
      const sends = (async () => {
        for (let n = 1; n <= 40; n += 1) {
          await alice.send(bob, `message ${n}`);
          await bob.device("acking").sync({ cliSeq: bob.base + n });
        }
      })().finally(() => {
        sending = false;
      });
      const asks = ["phone", "tablet", "laptop"].map(async (name) => {
        const device = bob.device(name);
        while (sending) {
          const { svrSeq, ackedSeq, messages } = await device.fetch();
          const shows = messages.length > 0 || svrSeq === ackedSeq;
          t.that(shows, "SEQ-CONTIGUOUS", "what is counted is not there", `message ${ackedSeq + 1}`, "no message");
        }
      });
      await Promise.all([sends, ...asks]);
      t.equal((await bob.state()).svrSeq, bob.base + 40, "SEND-VISIBLE", "not all messages are counted");
    },
  },
  {
    id: "sync/same-question-at-once",
    title:
      "bob's devices ask the same all the time; each time that a Send was answered the next answer has its message",
    requirements: ["SYNC-LINEARIZABLE", "SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const question = { cliSeq: bob.base, epoch: (await bob.state()).epoch, pageSize: 0 };
      let sending = true;
      const sends = (async () => {
        for (let n = 1; n <= 30; n += 1) {
          await alice.send(bob, `message ${n}`);
          const { svrSeq } = await bob.device("phone").sync(question);
          t.equal(svrSeq, bob.base + n, "SEND-VISIBLE", "a Sync was answered with what another one was told before");
        }
      })().finally(() => {
        sending = false;
      });
      const others = Array.from({ length: 5 }, async (_, n) => {
        while (sending) await bob.device(`device ${n}`).sync(question);
      });
      await Promise.all([sends, ...others]);
    },
  },
];

/** One Sync that must not wait for anything to come. */
async function soon(t: Context, party: TestAccount, cliSeq = 0) {
  const limit = t.deadline(5000);
  let callOff = () => {};
  const late = new Promise<never>((_, reject) => {
    const why = `it waited for more than ${limit} ms`;
    callOff = afterDeadline(limit, () => reject(new NoResponseFailure("SYNC-EMPTY", "Sync", why)));
  });
  try {
    return await Promise.race([party.device().sync({ cliSeq }), late]);
  } finally {
    callOff();
  }
}
