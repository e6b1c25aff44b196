import { abandonSync } from "../harness/abandoned-calls.js";
import type { SentMessage, TestAccount } from "../harness/account.js";
import { atOnce } from "../harness/at-once.js";
import { expectExactly, fillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

export const sync: readonly Case[] = [
  {
    // § SYNC-RANGE: The messages of the response MUST be exactly those with the seqs from `acked_seq + 1` to
    // § `next_cli_seq`, in ascending order, none missing and none twice.
    id: "sync/worked-example",
    title: "A Sync with cli_seq 100 in an inbox with svr_seq 200 returns 101 to 200, each time",
    requirements: ["SYNC-RANGE", "SYNC-BASE", "SYNC-NEXT"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const sent = await fillBacklog(t, 200);
      const phone = bob.device("phone");
      phone.cliSeq = bob.base + 100;
      for (const attempt of ["first", "second"]) {
        const page = await phone.sync();
        t.fields(page, { ackedSeq: bob.base + 100 }, "SYNC-BASE", `acked_seq of the ${attempt} response is wrong`);
        t.fields(page, { svrSeq: bob.base + 200 }, "SEND-VISIBLE", `svr_seq of the ${attempt} response is wrong`);
        const last = bob.base + 100 + page.messages.length;
        const violation = `next_cli_seq of the ${attempt} response is not the seq of its last message`;
        t.fields(page, { nextCliSeq: last }, "SYNC-NEXT", violation);
      }
      // A server's pages may be smaller.
      await phone.catchUp();
      const got = phone.stored;
      const seqs = got.map(({ seq }) => seq - bob.base);
      const expected = Array.from({ length: 100 }, (_, n) => 101 + n);
      t.equal({ seqs }, { seqs: expected }, "SYNC-RANGE", "the messages 101 to 200 were not delivered in this order");
      t.fields(
        phone,
        { cliSeq: bob.base + 200 },
        "SYNC-NEXT",
        "next_cli_seq is not 200 after a device has fetched 101 to 200",
      );
      const ids = new Set(sent.map(({ clientMessageId }) => clientMessageId));
      const foreign = got.filter(({ clientMessageId }) => !ids.has(clientMessageId)).length;
      t.equal(
        { messages: foreign },
        { messages: 0 },
        "AUTH-ISOLATION",
        "messages were delivered that the sender did not send",
      );
    },
  },
  {
    // § ACK-NOT-ON-ANSWER: Delivering a message in a response MUST NOT acknowledge it.
    id: "sync/answer-never-read",
    title: "An abandoned Sync acknowledges none of the messages in its response",
    requirements: ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER", "SYNC-ANSWER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await abandonSync(t, bob, { cliSeq: bob.base, epoch: "", pageSize: 0 });
        const page = await bob.device("phone").sync({ cliSeq: bob.base });
        const violation = "an abandoned Sync acknowledged messages of its response";
        t.fields(page, { ackedSeq: bob.base }, "ACK-NOT-ON-ANSWER", violation);
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", "messages of an abandoned response were not delivered again");
      }
      const got = await bob.device("phone").drain();
      t.all(got, bob.base + 1, sent, "ACK-REDELIVER", "messages of an abandoned response were not delivered again");
    },
  },
  {
    // § ACK-IMPLICIT: A successful Sync with `cli_seq` c MUST acknowledge every message up to c.
    id: "sync/ack-never-read",
    title: "An abandoned Sync acks all messages up to its cli_seq or none, and its retry acks them",
    requirements: ["ACK-IMPLICIT", "SYNC-LINEARIZABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      await abandonSync(t, bob, { cliSeq: bob.base + 3, epoch: "", pageSize: 0 });
      const before = await bob.device("tablet").sync();
      const possible = [bob.base, bob.base + 3].includes(before.ackedSeq);
      const violation = "an abandoned Sync acknowledged only some of the messages up to its cli_seq";
      t.that(
        possible,
        "SYNC-LINEARIZABLE",
        violation,
        `acked_seq: ${bob.base} or ${bob.base + 3}`,
        `acked_seq: ${before.ackedSeq}`,
      );
      const page = await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      t.fields(
        page,
        { ackedSeq: bob.base + 3 },
        "ACK-IMPLICIT",
        "a retry of a Sync did not acknowledge up to its cli_seq",
      );
      const message = "a retry of a Sync did not return the messages after its cli_seq";
      t.page(page, bob.base + 4, sent.slice(3), "SYNC-RANGE", message);
    },
  },
  {
    // § SYNC-BASE: `acked_seq` of the response MUST be the greater of the request's `cli_seq` and the acknowledged seq
    // § that the inbox had before.
    id: "sync/base",
    title: "acked_seq of each response is the greater of the request's cli_seq and the previous acked_seq",
    requirements: ["SYNC-BASE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 8);
      let acked = 0;
      for (const cliSeq of [0, 2, 1, 2, 5, 0, 4, 5, 7, 8, 3, 8]) {
        acked = Math.max(acked, cliSeq);
        const page = await bob.device().sync({ cliSeq: bob.base + cliSeq });
        const violation = `acked_seq after a Sync with cli_seq base + ${cliSeq} is not the highest cli_seq so far`;
        t.equal({ ackedSeq: page.ackedSeq - bob.base }, { ackedSeq: acked }, "SYNC-BASE", violation);
      }
    },
  },
  {
    // § SYNC-RANGE: The messages of the response MUST be exactly those with the seqs from `acked_seq + 1` to
    // § `next_cli_seq`, in ascending order, none missing and none twice.
    id: "sync/range-from-each-seq",
    title: "From each cli_seq a page holds exactly the messages that follow, in order",
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
          const violation = `the page after base + ${cliSeq} does not hold the messages that follow`;
          t.page(page, bob.base + cliSeq + 1, expected, "SYNC-RANGE", violation);
        }
      }
    },
  },
  {
    id: "sync/range-of-a-long-page",
    title: "The pages that deliver 150 messages have no gap",
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
    // § SYNC-NEXT: `next_cli_seq` MUST be the seq of the last message of the response, or `acked_seq` if it has none.
    id: "sync/next-is-where-the-page-ends",
    title: "next_cli_seq is the seq of the last message of a page, and acked_seq if it has none",
    requirements: ["SYNC-NEXT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      const page = await bob.device().sync({ pageSize: 2 });
      const violation = "next_cli_seq is not the seq of the page's last message";
      t.fields(page, { nextCliSeq: bob.base + page.messages.length }, "SYNC-NEXT", violation);
      const message = "next_cli_seq has reached svr_seq while messages are pending";
      t.that(
        page.nextCliSeq < page.svrSeq,
        "SYNC-NEXT",
        message,
        `next_cli_seq: below ${page.svrSeq}`,
        `next_cli_seq: ${page.nextCliSeq}`,
      );
      const phone = bob.device();
      await phone.drain();
      const { svrSeq, ackedSeq, nextCliSeq } = await phone.sync();
      const end = bob.base + 5;
      const expected = { svrSeq: end, ackedSeq: end, nextCliSeq: end };
      t.equal(
        { svrSeq, ackedSeq, nextCliSeq },
        expected,
        "SYNC-NEXT",
        "next_cli_seq or acked_seq of an empty response is not svr_seq",
      );
      const fromZero = await bob.device().sync({ cliSeq: 0 });
      t.fields(
        fromZero,
        { nextCliSeq: end },
        "SYNC-NEXT",
        "next_cli_seq of an empty response to a new device is not acked_seq",
      );
    },
  },
  {
    // § SYNC-EMPTY: A Sync after which nothing is pending MUST return a response with no messages, without waiting for
    // § one to arrive.
    id: "sync/empty-new-inbox",
    title: "A Sync in a new inbox returns at once, with an epoch, 0 as each seq and no messages",
    requirements: ["SYNC-EMPTY", "EPOCH-PRESENT"],
    needs: { fresh: true },
    async run(t: Context) {
      const { epoch, svrSeq, ackedSeq, nextCliSeq, messages } = await syncAtOnce(t, t.bob);
      t.equal(
        { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
        { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0, messages: 0 },
        "SYNC-EMPTY",
        "a Sync in a new inbox did not return 0 as each seq and no messages",
      );
      t.that(epoch !== "", "EPOCH-PRESENT", "a new inbox has no epoch", "epoch: not empty", "epoch: empty");
      const sent = await t.alice.send(t.bob);
      t.page(await t.bob.device().sync({ epoch }), 1, [sent], "SEND-VISIBLE", "the first message was not delivered");
    },
  },
  {
    id: "sync/empty-does-not-wait",
    title: "A Sync in a fully acked inbox returns at once without messages",
    requirements: ["SYNC-EMPTY"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      for (const cliSeq of [2, 2, 0]) {
        const page = await syncAtOnce(t, bob, bob.base + cliSeq);
        t.equal(
          { messages: page.messages.length },
          { messages: 0 },
          "SYNC-EMPTY",
          "an acknowledged message was delivered",
        );
      }
    },
  },
  {
    // § SYNC-ANSWER: A Sync whose `epoch` is empty or the inbox's current one, and whose `cli_seq` is not above the
    // § inbox's `svr_seq`, MUST return a `SyncResponse`.
    id: "sync/anything-goes",
    title: "A Sync with any valid cli_seq, any page_size and the current or no epoch is accepted",
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
        t.fields(page, { ackedSeq: bob.base + acked }, "SYNC-BASE", "acked_seq is not the highest cli_seq so far");
      }
    },
  },
  {
    // § SYNC-LINEARIZABLE: The Sends and Syncs on one inbox MUST be linearizable: each takes effect, as a whole, at one
    // § moment between its call and its response, and all responses agree with the model for that order.
    id: "sync/same-state-for-all",
    title: "Without Sends and acks, 20 Syncs over all front ends return the same state",
    requirements: ["SYNC-LINEARIZABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 6);
      const first = await bob.device().sync();
      const expectSameState = async (name: string) => {
        const { svrSeq, ackedSeq, epoch } = await bob.device(name).sync();
        const expected = { svrSeq: bob.base + 6, ackedSeq: bob.base, epoch: first.epoch };
        t.equal({ svrSeq, ackedSeq, epoch }, expected, "SYNC-LINEARIZABLE", "a Sync returned an outdated state");
      };
      for (let n = 0; n < 12; n += 1) await expectSameState("phone");
      await Promise.all(Array.from({ length: 8 }, (_, n) => expectSameState(`device ${n}`)));
    },
  },
  {
    id: "sync/one-moment",
    title: "While messages arrive and three devices ack, each response reports one consistent state",
    requirements: ["SYNC-LINEARIZABLE", "SEQ-CONTIGUOUS"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
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
      // Each device has the messages that were unacknowledged at its Syncs; together they have all messages.
      const all = new Map(devices.flatMap((device) => device.stored.map((message) => [message.seq, message])));
      const got = [...all.values()].sort((a, b) => a.seq - b.seq);
      expectExactly(t, got, bob.base + 1, sent, "SYNC-LINEARIZABLE");
    },
  },
  {
    id: "sync/caught-up-while-it-comes",
    title: "A message that arrives in an empty inbox is available as soon as svr_seq counts it",
    requirements: ["SYNC-LINEARIZABLE", "SEQ-CONTIGUOUS", "PAGE-PROGRESS"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      // Each message is acked before the next is sent, so that it arrives in an empty inbox.
      const sends = (async () => {
        for (let n = 1; n <= 40; n += 1) {
          await alice.send(bob, `message ${n}`);
          await bob.device("acking").sync({ cliSeq: bob.base + n });
        }
      })().finally(() => {
        sending = false;
      });
      const reads = ["phone", "tablet", "laptop"].map(async (name) => {
        const device = bob.device(name);
        while (sending) {
          const { svrSeq, ackedSeq, messages } = await device.fetch();
          const isAvailable = messages.length > 0 || svrSeq === ackedSeq;
          const violation = "a message that svr_seq counts is not available";
          t.that(
            isAvailable,
            "SEQ-CONTIGUOUS",
            violation,
            `messages: at least message ${ackedSeq + 1}`,
            "messages: none",
          );
        }
      });
      await Promise.all([sends, ...reads]);
      t.fields(
        await bob.state(),
        { svrSeq: bob.base + 40 },
        "SEND-VISIBLE",
        "svr_seq does not count all accepted messages",
      );
    },
  },
  {
    id: "sync/same-question-at-once",
    title: "svr_seq of a Sync after a successful Send counts its message, even among identical concurrent Syncs",
    requirements: ["SYNC-LINEARIZABLE", "SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const args = { cliSeq: bob.base, epoch: (await bob.state()).epoch, pageSize: 0 };
      let sending = true;
      const sends = (async () => {
        for (let n = 1; n <= 30; n += 1) {
          await alice.send(bob, `message ${n}`);
          const { svrSeq } = await bob.device("phone").sync(args);
          const violation = "svr_seq does not count a message that was accepted before the Sync";
          t.equal({ svrSeq }, { svrSeq: bob.base + n }, "SEND-VISIBLE", violation);
        }
      })().finally(() => {
        sending = false;
      });
      const others = Array.from({ length: 5 }, async (_, n) => {
        while (sending) await bob.device(`device ${n}`).sync(args);
      });
      await Promise.all([sends, ...others]);
    },
  },
];

/** Makes a Sync, and expects its response without a wait for a message. */
const syncAtOnce = (t: Context, account: TestAccount, cliSeq = 0) =>
  atOnce(t, "SYNC-EMPTY", "Sync", () => account.device().sync({ cliSeq }));
