import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { expectExactly, fillBacklog, tryFillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

/** More messages than a server would write off in one step by chance. */
const MANY = 1200;

export const ack: readonly Case[] = [
  {
    // § ACK-IMPLICIT: A Sync with `cli_seq` c that is answered with success MUST acknowledge every message up to c.
    id: "ack/worked-example",
    title:
      "bob's phone has fetched up to 200, the server is at 260: a Sync with 200 acks up to 200 and brings 201 to 260",
    requirements: ["ACK-IMPLICIT", "ACK-NOT-ON-ANSWER"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const phone = bob.device("phone");
      await fillBacklog(t, 200);
      phone.cliSeq = bob.base + 100;
      await phone.catchUp();
      t.equal(phone.cliSeq, bob.base + 200, "SYNC-NEXT", "101 to 200 do not lead to 200");
      const later = await fillBacklog(t, 60);
      const between = await bob.state();
      t.that(between.ackedSeq < bob.base + 200, "ACK-NOT-ON-ANSWER", "an answer acked itself", "below 200", "200");
      const page = await phone.sync();
      const { ackedSeq, svrSeq } = page;
      const expected = { ackedSeq: bob.base + 200, svrSeq: bob.base + 260 };
      t.equal({ ackedSeq, svrSeq }, expected, "ACK-IMPLICIT", "a Sync with 200 did not ack up to 200 of 260");
      t.equal(page.messages[0]?.seq, bob.base + 201, "SYNC-RANGE", "the page does not begin with 201");
      const stored = phone.stored.length;
      await phone.catchUp();
      expectExactly(t, phone.stored.slice(stored), bob.base + 201, later, "SYNC-RANGE");
    },
  },
  {
    id: "ack/sync-acks-through-cli-seq",
    title: "bob's phone syncs with 3 of 5; his tablet, which has nothing, gets 4 and 5 only",
    requirements: ["ACK-IMPLICIT", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      await phone.sync({ cliSeq: bob.base + 3 });
      const page = await bob.device("tablet").sync();
      t.equal(page.ackedSeq, bob.base + 3, "ACK-IMPLICIT", "a Sync did not ack through its cli_seq");
      const what = "another device got something else than what is unacked";
      t.page(page, bob.base + 4, sent.slice(3), "ACK-NO-REDELIVERY", what);
    },
  },
  {
    id: "ack/one-at-a-time",
    title: "bob's phone acks each of 10 messages by itself, and each ack counts",
    requirements: ["ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 10);
      for (let n = 0; n <= 10; n += 1) {
        await bob.device("phone").sync({ cliSeq: bob.base + n, pageSize: 1 });
        const page = await bob.device("tablet").sync();
        t.equal(page.ackedSeq, bob.base + n, "ACK-IMPLICIT", "a Sync did not ack through its cli_seq");
        t.page(page, bob.base + n + 1, sent.slice(n), "ACK-NO-REDELIVERY", "an acked message came again");
      }
    },
  },
  {
    // § ACK-NO-REDELIVERY: A message that was acknowledged MUST NOT be delivered by any Sync that begins after the
    // § acknowledging Sync was answered, on any device, within the epoch.
    id: "ack/no-redelivery-to-a-second-device",
    title: "bob's phone takes everything and acks it; his tablet finds nothing left",
    requirements: ["ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 4);
      await bob.device("phone").drain();
      for (const cliSeq of [0, bob.base, bob.base + 2]) {
        const page = await bob.device("tablet").sync({ cliSeq });
        t.page(page, bob.base + 5, [], "ACK-NO-REDELIVERY", "acked messages came again on another device");
        t.equal(page.nextCliSeq, bob.base + 4, "SYNC-NEXT", "an empty page must take the device to the acked seq");
      }
    },
  },
  {
    // § ACK-NOT-ON-ANSWER: Delivering a message in an answer MUST NOT acknowledge it.
    id: "ack/answering-does-not-ack",
    title: "bob's phone gets 3 messages and dies; each later Sync from where it was gets them again",
    requirements: ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      for (const attempt of ["first", "second", "third"]) {
        const page = await phone.sync();
        t.equal(page.ackedSeq, bob.base, "ACK-NOT-ON-ANSWER", `the ${attempt} Sync found what was only answered acked`);
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", `the ${attempt} Sync did not get what nobody has acked`);
      }
    },
  },
  {
    // § ACK-REDELIVER: A message that was not acknowledged MUST be delivered again by every Sync whose page reaches its
    // § seq, however often and to whomever it was delivered before, and however long ago.
    id: "ack/redelivered-however-often",
    title: "nobody acks: twelve devices in turn, some of them several times, all get the same messages",
    requirements: ["ACK-REDELIVER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      for (let n = 0; n < 24; n += 1) {
        const page = await bob.device(`device ${n % 12}`).sync({ pageSize: n % 2 === 0 ? 0 : 3 });
        const expected = n % 2 === 0 ? sent : sent.slice(0, 3);
        t.page(page, bob.base + 1, expected, "ACK-REDELIVER", `after ${n} deliveries the messages are not there`);
      }
      // What comes behind them is redelivered as well, and so is what is left after an ack.
      const later = await alice.sendMany(bob, 2);
      await bob.device("phone").sync({ cliSeq: bob.base + 2 });
      for (let n = 0; n < 8; n += 1) {
        const page = await bob.device(`device ${n}`).sync();
        const what = `after ${n} deliveries what was left is not there`;
        t.page(page, bob.base + 3, [...sent.slice(2), ...later], "ACK-REDELIVER", what);
      }
      const got = await bob.device("last").drain();
      t.all(got, bob.base + 3, [...sent.slice(2), ...later], "ACK-REDELIVER", "what was left did not come whole");
    },
  },
  {
    // § ACK-MONOTONE: A Sync with a lower, late or repeated `cli_seq` MUST NOT lower the acknowledged seq of the inbox.
    id: "ack/old-device-does-not-lower",
    title: "bob's phone acks 4; his old tablet syncs with 2; what was acked stays acked",
    requirements: ["ACK-MONOTONE", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 6);
      await bob.device("phone").sync({ cliSeq: bob.base + 4 });
      const old = await bob.device("tablet").sync({ cliSeq: bob.base + 2 });
      // Asking from 0 shows what is stored: had the tablet lowered the ack, this would start at 3.
      const page = await bob.device("probe").sync();
      t.equal(page.ackedSeq, bob.base + 4, "ACK-MONOTONE", "a lower cli_seq lowered the ack");
      t.page(page, bob.base + 5, sent.slice(4), "ACK-MONOTONE", "a lower cli_seq brought acked messages back");
      t.page(old, bob.base + 5, sent.slice(4), "ACK-NO-REDELIVERY", "an old device got acked messages again");
    },
  },
  {
    id: "ack/old-device-between-pages",
    title: "bob's phone pages through 12 messages; before each page his old tablet syncs with less; the phone goes on",
    requirements: ["ACK-MONOTONE", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 12);
      const phone = bob.device("phone");
      for (let asked = 0; phone.cliSeq < bob.base + 12 && asked < 20; asked += 1) {
        const acked = Math.max(phone.cliSeq, bob.base);
        await phone.fetch(3);
        const old = await bob.device("tablet").sync({ cliSeq: Math.max(0, acked - 1 - (asked % 3)), pageSize: 2 });
        t.equal(old.ackedSeq, acked, "ACK-MONOTONE", "an old device moved the ack between two pages");
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-UNION", "the run of pages does not hold each message once");
    },
  },
  {
    id: "ack/late-and-repeated",
    title: "Syncs with 1 to 8 arrive in any order, some twice, some at the same time: the highest one counts",
    requirements: ["ACK-MONOTONE", "ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 10);
      await Promise.all(
        [3, 8, 1, 8, 5, 2, 7, 1, 4, 6].map((n) => bob.device(`device ${n}`).sync({ cliSeq: bob.base + n })),
      );
      for (const late of [1, 7, 8, 8, 2]) {
        const page = await bob.device("phone").sync({ cliSeq: bob.base + late });
        t.equal(page.ackedSeq, bob.base + 8, "ACK-MONOTONE", "after a late Sync another than the highest ack counts");
        t.page(page, bob.base + 9, sent.slice(8), "ACK-MONOTONE", "after a late Sync another page is answered");
      }
    },
  },
  {
    // § ACK-UNFETCHED: A Sync whose `cli_seq` is not above `svr_seq` MUST be accepted and acknowledge up to it, also
    // § where the messages in between were never fetched.
    id: "ack/unfetched-is-accepted",
    title: "bob's phone acks 5 messages that it never fetched, as after a restore from another device",
    requirements: ["ACK-UNFETCHED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      const answered = await bob.device("phone").trySync({ cliSeq: bob.base + 5 });
      const page = await t.blaming("ACK-UNFETCHED", async () => t.accepted(answered, "SYNC-ANSWER"));
      t.equal(page.ackedSeq, bob.base + 5, "ACK-UNFETCHED", "an ack of what was never fetched was not taken");
      t.page(page, bob.base + 6, [], "ACK-UNFETCHED", "messages came that the same call acked");
    },
  },
  {
    id: "ack/beyond-the-page",
    title: "bob's phone fetched one message of 6 and acks 4: it may skip what it does not want",
    requirements: ["ACK-UNFETCHED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 6);
      const phone = bob.device("phone");
      await phone.fetch(1);
      const answered = await phone.trySync({ cliSeq: bob.base + 4 });
      const page = await t.blaming("ACK-UNFETCHED", async () => t.accepted(answered, "SYNC-ANSWER"));
      t.equal(page.ackedSeq, bob.base + 4, "ACK-UNFETCHED", "an ack beyond what was fetched was not taken");
      t.page(page, bob.base + 5, sent.slice(4), "ACK-UNFETCHED", "the page is not what follows the ack");
    },
  },
  {
    id: "ack/many-at-once",
    title: `bob's phone acks ${MANY} messages, or as many as his inbox takes, with one Sync; none is left`,
    requirements: ["ACK-UNFETCHED", "ACK-IMPLICIT"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { sent } = await tryFillBacklog(t, MANY);
      const end = bob.base + sent.length;
      const answered = await bob.device("phone").trySync({ cliSeq: end });
      const { ackedSeq, messages } = await t.blaming("ACK-UNFETCHED", async () => t.accepted(answered, "SYNC-ANSWER"));
      const told = { ackedSeq, messages: messages.length };
      t.equal(told, { ackedSeq: end, messages: 0 }, "ACK-UNFETCHED", `a Sync that acks ${sent.length} messages`);
      // They are gone for every device, and there is room again.
      const marker = await alice.send(bob, "the next one");
      const page = await bob.device("tablet").sync();
      t.page(page, end + 1, [marker], "ACK-UNFETCHED", `after ${sent.length} messages were acked`);
    },
  },
  {
    // § ACK-AHEAD: A Sync whose `epoch` is empty or the current one and whose `cli_seq` is above `svr_seq` MUST be
    // § refused with `out_of_range` and the reason CLI_SEQ_AHEAD, and its `ErrorDetail` MUST hold the inbox's current
    // § `epoch` and `svr_seq`.
    id: "ack/ahead-is-refused",
    title: "bob's phone claims to have one message more than there is",
    requirements: ["ACK-AHEAD", "ACK-FAILED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      const { epoch } = await phone.sync();
      for (const [cliSeq, named, pageSize] of [
        [bob.base + 4, epoch, 0],
        [0xffff_ffff, epoch, 0],
        [bob.base + 4, "", 0],
        [0xffff_ffff, epoch, 10],
      ] as const) {
        const answered = await phone.trySync({ cliSeq, epoch: named, pageSize });
        const refusal = t.refused(answered, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a cli_seq above svr_seq");
        const state = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        t.equal(state, { svrSeq: bob.base + 3, epoch }, "ACK-AHEAD", "the refusal does not tell the current state");
      }
      const page = await phone.sync();
      t.equal(page.ackedSeq, bob.base, "ACK-FAILED", "a refused Sync acked");
      t.page(page, bob.base + 1, sent, "ACK-FAILED", "after a refused Sync the unacked messages are not all there");
    },
  },
  {
    id: "ack/ahead-of-an-emptied-inbox",
    title: "bob has acked everything and claims one more; the message that then comes is delivered",
    requirements: ["ACK-AHEAD", "ACK-FAILED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      const phone = bob.device("phone");
      await phone.drain();
      const answered = await phone.trySync({ cliSeq: bob.base + 3 });
      t.refused(answered, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a cli_seq above svr_seq");
      const next = await alice.send(bob, "the one that was claimed");
      const page = await phone.sync();
      t.page(page, bob.base + 3, [next], "ACK-FAILED", "a message that was claimed before it came was lost");
    },
  },
  {
    id: "ack/ahead-of-a-new-inbox",
    title: "bob's inbox never had a message, and his phone claims to have 1; the first message is then delivered",
    requirements: ["ACK-AHEAD", "ACK-FAILED"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const { epoch } = await phone.sync();
      for (const named of [epoch, ""]) {
        const answered = await phone.trySync({ cliSeq: 1, epoch: named });
        const refusal = t.refused(answered, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a cli_seq above svr_seq");
        const state = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        t.equal(state, { svrSeq: 0, epoch }, "ACK-AHEAD", "the refusal does not tell the current state");
      }
      const first = await alice.send(bob);
      t.page(await phone.sync(), 1, [first], "ACK-FAILED", "a message that was claimed before it came was lost");
    },
  },
  {
    // § ACK-FAILED: A refused Sync MUST NOT acknowledge anything.
    id: "ack/refused-acks-nothing",
    title: "Syncs with 3 of 5, refused for their epoch or their credential, ack nothing; the same Sync done right does",
    requirements: ["ACK-FAILED", "ERR-UNCHANGED", "ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      const cliSeq = bob.base + 3;
      await t.unchanged(bob, "ACK-FAILED", "a refused Sync", async () => {
        const wrongEpoch = await phone.trySync({ cliSeq, epoch: "not the epoch" });
        t.refused(wrongEpoch, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with another epoch");
        for (const token of [null, `${bob.token}x`]) {
          const nobody = await phone.trySync({ cliSeq }, { token });
          t.refused(nobody, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a valid credential");
        }
      });
      // One that is refused right before must not take the next one's ack with it.
      await phone.trySync({ cliSeq, epoch: "not the epoch" });
      const page = await phone.sync({ cliSeq });
      t.equal(page.ackedSeq, cliSeq, "ACK-IMPLICIT", "a Sync did not ack through its cli_seq");
      t.page(page, bob.base + 4, sent.slice(3), "SYNC-RANGE", "the page is not what follows the ack");
      const { ackedSeq } = await bob.device("tablet").sync();
      t.equal(ackedSeq, cliSeq, "ACK-IMPLICIT", "the ack of a Sync that came after a refused one was not kept");
    },
  },
  {
    // § ACK-IMPLICIT: A Sync with `cli_seq` c that is answered with success MUST acknowledge every message up to c.
    id: "ack/while-messages-come",
    title: "bob's phone acks as fast as it can while alice sends; it never acks what it has not got",
    requirements: ["ACK-IMPLICIT", "ACK-NOT-ON-ANSWER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      const sends = alice.sendMany(bob, 40).finally(() => {
        sending = false;
      });
      const phone = bob.device("phone");
      const fetches = (async () => {
        while (sending) {
          const had = Math.max(phone.cliSeq, bob.base);
          const page = await phone.fetch();
          t.equal(page.ackedSeq, had, "ACK-NOT-ON-ANSWER", "more or less is acked than the phone has");
        }
      })();
      const [sent] = await Promise.all([sends, fetches]);
      await phone.drain();
      t.all(phone.stored, bob.base + 1, sent, "PAGE-ARRIVALS", "the phone does not have each message once");
    },
  },
];
