import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { expectExactly, fillBacklog, tryFillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

/** More messages than a server is likely to process in one batch. */
const MANY = 1200;

export const ack: readonly Case[] = [
  {
    // § ACK-IMPLICIT: A successful Sync with `cli_seq` c MUST acknowledge every message up to c.
    id: "ack/worked-example",
    title: "A Sync with cli_seq 200 in an inbox with svr_seq 260 acks up to 200 and returns 201 to 260",
    requirements: ["ACK-IMPLICIT", "ACK-NOT-ON-ANSWER"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const phone = bob.device("phone");
      await fillBacklog(t, 200);
      phone.cliSeq = bob.base + 100;
      await phone.catchUp();
      const violation = "next_cli_seq is not 200 after a device has fetched 101 to 200";
      t.fields(phone, { cliSeq: bob.base + 200 }, "SYNC-NEXT", violation);
      const later = await fillBacklog(t, 60);
      const between = await bob.state();
      const message = "messages were acknowledged by their delivery alone";
      t.that(
        between.ackedSeq < bob.base + 200,
        "ACK-NOT-ON-ANSWER",
        message,
        `acked_seq: below ${bob.base + 200}`,
        `acked_seq: ${between.ackedSeq}`,
      );
      const page = await phone.sync();
      const { ackedSeq, svrSeq } = page;
      const expected = { ackedSeq: bob.base + 200, svrSeq: bob.base + 260 };
      t.equal(
        { ackedSeq, svrSeq },
        expected,
        "ACK-IMPLICIT",
        "a Sync with cli_seq 200 does not report acked_seq 200 and svr_seq 260",
      );
      t.equal(
        { seq: page.messages[0]?.seq },
        { seq: bob.base + 201 },
        "SYNC-RANGE",
        "the page does not begin with message 201",
      );
      const stored = phone.stored.length;
      await phone.catchUp();
      expectExactly(t, phone.stored.slice(stored), bob.base + 201, later, "SYNC-RANGE");
    },
  },
  {
    id: "ack/sync-acks-through-cli-seq",
    title: "A Sync acks up to its cli_seq; a second device then receives the unacknowledged messages only",
    requirements: ["ACK-IMPLICIT", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      await phone.sync({ cliSeq: bob.base + 3 });
      const page = await bob.device("tablet").sync();
      t.fields(page, { ackedSeq: bob.base + 3 }, "ACK-IMPLICIT", "a Sync did not acknowledge up to its cli_seq");
      const what = "another device received messages other than the unacknowledged ones";
      t.page(page, bob.base + 4, sent.slice(3), "ACK-NO-REDELIVERY", what);
    },
  },
  {
    id: "ack/one-at-a-time",
    title: "A device acks 10 messages one by one; each ack takes effect",
    requirements: ["ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 10);
      for (let n = 0; n <= 10; n += 1) {
        await bob.device("phone").sync({ cliSeq: bob.base + n, pageSize: 1 });
        const page = await bob.device("tablet").sync();
        t.fields(page, { ackedSeq: bob.base + n }, "ACK-IMPLICIT", "a Sync did not acknowledge up to its cli_seq");
        const violation = "the page does not begin with the first unacknowledged message";
        t.page(page, bob.base + n + 1, sent.slice(n), "ACK-NO-REDELIVERY", violation);
      }
    },
  },
  {
    // § ACK-NO-REDELIVERY: An acknowledged message MUST NOT be delivered by any Sync that begins after the
    // § acknowledging Sync succeeded, on any device, within the epoch.
    id: "ack/no-redelivery-to-a-second-device",
    title: "After one device has acked everything, a second device receives no message",
    requirements: ["ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 4);
      await bob.device("phone").drain();
      for (const cliSeq of [0, bob.base, bob.base + 2]) {
        const page = await bob.device("tablet").sync({ cliSeq });
        t.page(page, bob.base + 5, [], "ACK-NO-REDELIVERY", "another device received acknowledged messages");
        t.fields(page, { nextCliSeq: bob.base + 4 }, "SYNC-NEXT", "next_cli_seq of an empty page is not acked_seq");
      }
    },
  },
  {
    // § ACK-NOT-ON-ANSWER: Delivering a message in a response MUST NOT acknowledge it.
    id: "ack/answering-does-not-ack",
    title: "A device that does not ack 3 messages receives them again with each later Sync",
    requirements: ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      for (const attempt of ["first", "second", "third"]) {
        const page = await phone.sync();
        const violation = `acked_seq in the response to the ${attempt} Sync covers messages that were only delivered`;
        t.fields(page, { ackedSeq: bob.base }, "ACK-NOT-ON-ANSWER", violation);
        const message = `the ${attempt} Sync did not return the unacknowledged messages`;
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", message);
      }
    },
  },
  {
    // § ACK-REDELIVER: An unacknowledged message MUST be delivered again by every Sync whose page reaches its seq,
    // § however often, however long ago and to whichever device it was delivered before.
    id: "ack/redelivered-however-often",
    title: "Without an ack, 24 Syncs from 12 devices all return the same messages",
    requirements: ["ACK-REDELIVER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      for (let n = 0; n < 24; n += 1) {
        const page = await bob.device(`device ${n % 12}`).sync({ pageSize: n % 2 === 0 ? 0 : 3 });
        const expected = n % 2 === 0 ? sent : sent.slice(0, 3);
        const violation = `delivery ${n + 1} does not hold the unacknowledged messages`;
        t.page(page, bob.base + 1, expected, "ACK-REDELIVER", violation);
      }
      // Later messages are redelivered as well, and so are those that remain after an ack.
      const later = await alice.sendMany(bob, 2);
      await bob.device("phone").sync({ cliSeq: bob.base + 2 });
      for (let n = 0; n < 8; n += 1) {
        const page = await bob.device(`device ${n}`).sync();
        const what = `delivery ${n + 1} after an ack does not hold the unacknowledged messages`;
        t.page(page, bob.base + 3, [...sent.slice(2), ...later], "ACK-REDELIVER", what);
      }
      const got = await bob.device("last").drain();
      const message = "not all unacknowledged messages were delivered after an ack";
      t.all(got, bob.base + 3, [...sent.slice(2), ...later], "ACK-REDELIVER", message);
    },
  },
  {
    // § ACK-MONOTONE: A Sync with a lower, late or repeated `cli_seq` MUST NOT lower the acknowledged seq of the inbox.
    id: "ack/old-device-does-not-lower",
    title: "A Sync with an older cli_seq does not lower acked_seq",
    requirements: ["ACK-MONOTONE", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 6);
      await bob.device("phone").sync({ cliSeq: bob.base + 4 });
      const old = await bob.device("tablet").sync({ cliSeq: bob.base + 2 });
      // A Sync with cli_seq 0 shows the stored ack: if the tablet had lowered it, this page would start at 3.
      const page = await bob.device("probe").sync();
      t.fields(page, { ackedSeq: bob.base + 4 }, "ACK-MONOTONE", "a lower cli_seq lowered acked_seq");
      const violation = "after a lower cli_seq, acknowledged messages were delivered again";
      t.page(page, bob.base + 5, sent.slice(4), "ACK-MONOTONE", violation);
      const message = "a device with an older cli_seq received acknowledged messages";
      t.page(old, bob.base + 5, sent.slice(4), "ACK-NO-REDELIVERY", message);
    },
  },
  {
    id: "ack/old-device-between-pages",
    title: "Syncs with an older cli_seq between the pages of another device do not change its pages",
    requirements: ["ACK-MONOTONE", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 12);
      const phone = bob.device("phone");
      for (let pages = 0; phone.cliSeq < bob.base + 12 && pages < 20; pages += 1) {
        const acked = Math.max(phone.cliSeq, bob.base);
        await phone.fetch(3);
        const old = await bob.device("tablet").sync({ cliSeq: Math.max(0, acked - 1 - (pages % 3)), pageSize: 2 });
        const violation = "a Sync with an older cli_seq changed acked_seq between two pages";
        t.fields(old, { ackedSeq: acked }, "ACK-MONOTONE", violation);
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-UNION", "the pages together do not hold each message exactly once");
    },
  },
  {
    id: "ack/late-and-repeated",
    title: "Of concurrent, late and repeated Syncs the one with the highest cli_seq determines acked_seq",
    requirements: ["ACK-MONOTONE", "ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 10);
      await Promise.all(
        [3, 8, 1, 8, 5, 2, 7, 1, 4, 6].map((n) => bob.device(`device ${n}`).sync({ cliSeq: bob.base + n })),
      );
      for (const late of [1, 7, 8, 8, 2]) {
        const page = await bob.device("phone").sync({ cliSeq: bob.base + late });
        t.fields(
          page,
          { ackedSeq: bob.base + 8 },
          "ACK-MONOTONE",
          "after a late Sync acked_seq is not the highest cli_seq",
        );
        const violation = "a late Sync returned a page other than the one after the highest ack";
        t.page(page, bob.base + 9, sent.slice(8), "ACK-MONOTONE", violation);
      }
    },
  },
  {
    // § ACK-UNFETCHED: A Sync whose `cli_seq` is not above `svr_seq` MUST be accepted and acknowledge up to it, even if
    // § the messages in between were never fetched.
    id: "ack/unfetched-is-accepted",
    title: "A Sync whose cli_seq covers messages that were never fetched is accepted and acks them",
    requirements: ["ACK-UNFETCHED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      const result = await bob.device("phone").trySync({ cliSeq: bob.base + 5 });
      const page = await t.blaming("ACK-UNFETCHED", async () => t.accepted(result, "SYNC-ANSWER"));
      const violation = "a Sync did not acknowledge messages that were never fetched";
      t.fields(page, { ackedSeq: bob.base + 5 }, "ACK-UNFETCHED", violation);
      t.page(page, bob.base + 6, [], "ACK-UNFETCHED", "a page holds messages that the same Sync acknowledged");
    },
  },
  {
    id: "ack/beyond-the-page",
    title: "A device that has fetched 1 of 6 messages acks 4 and receives the last 2",
    requirements: ["ACK-UNFETCHED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 6);
      const phone = bob.device("phone");
      await phone.fetch(1);
      const result = await phone.trySync({ cliSeq: bob.base + 4 });
      const page = await t.blaming("ACK-UNFETCHED", async () => t.accepted(result, "SYNC-ANSWER"));
      const violation = "a Sync did not acknowledge beyond the messages that the device has fetched";
      t.fields(page, { ackedSeq: bob.base + 4 }, "ACK-UNFETCHED", violation);
      t.page(page, bob.base + 5, sent.slice(4), "ACK-UNFETCHED", "the page does not hold the messages after the ack");
    },
  },
  {
    id: "ack/many-at-once",
    title: `One Sync acks ${MANY} messages, or as many as the inbox accepts; none is delivered again`,
    requirements: ["ACK-UNFETCHED", "ACK-IMPLICIT"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { sent } = await tryFillBacklog(t, MANY);
      const end = bob.base + sent.length;
      const result = await bob.device("phone").trySync({ cliSeq: end });
      const { ackedSeq, messages } = await t.blaming("ACK-UNFETCHED", async () => t.accepted(result, "SYNC-ANSWER"));
      const reported = { ackedSeq, messages: messages.length };
      const violation = `a Sync did not acknowledge all of ${sent.length} messages`;
      t.equal(reported, { ackedSeq: end, messages: 0 }, "ACK-UNFETCHED", violation);
      // The ack applies to every device, and the inbox accepts messages again.
      const marker = await alice.send(bob, "the next one");
      const page = await bob.device("tablet").sync();
      t.page(
        page,
        end + 1,
        [marker],
        "ACK-UNFETCHED",
        `after ${sent.length} messages were acknowledged, a page does not hold the next message alone`,
      );
    },
  },
  {
    // § ACK-AHEAD: A Sync whose `epoch` is empty or the current one and whose `cli_seq` is above `svr_seq` MUST be
    // § refused with `out_of_range` and the reason CLI_SEQ_AHEAD, and its `ErrorDetail` MUST hold the inbox's current
    // § `epoch` and `svr_seq`.
    id: "ack/ahead-is-refused",
    title: "A Sync with a cli_seq above svr_seq is refused with the inbox's epoch and svr_seq, and changes nothing",
    requirements: ["ACK-AHEAD", "ACK-FAILED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      const { epoch } = await phone.sync();
      for (const [cliSeq, sentEpoch, pageSize] of [
        [bob.base + 4, epoch, 0],
        [0xffff_ffff, epoch, 0],
        [bob.base + 4, "", 0],
        [0xffff_ffff, epoch, 10],
      ] as const) {
        const result = await phone.trySync({ cliSeq, epoch: sentEpoch, pageSize });
        const refusal = t.refused(result, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
        const state = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        const violation = "the refusal does not hold the inbox's current epoch and svr_seq";
        t.equal(state, { svrSeq: bob.base + 3, epoch }, "ACK-AHEAD", violation);
      }
      const page = await phone.sync();
      t.fields(page, { ackedSeq: bob.base }, "ACK-FAILED", "a refused Sync acknowledged messages");
      const message = "after a refused Sync a page does not begin with the unacknowledged messages";
      t.page(page, bob.base + 1, sent, "ACK-FAILED", message);
    },
  },
  {
    id: "ack/ahead-of-an-emptied-inbox",
    title: "A cli_seq above svr_seq in an emptied inbox is refused; the message that gets this seq later is delivered",
    requirements: ["ACK-AHEAD", "ACK-FAILED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      const phone = bob.device("phone");
      await phone.drain();
      const result = await phone.trySync({ cliSeq: bob.base + 3 });
      t.refused(result, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
      const next = await alice.send(bob, "the message with the seq of the refused Sync");
      const page = await phone.sync();
      const violation = "a message is missing whose seq was the cli_seq of an earlier refused Sync";
      t.page(page, bob.base + 3, [next], "ACK-FAILED", violation);
    },
  },
  {
    id: "ack/ahead-of-a-new-inbox",
    title: "A Sync with cli_seq 1 in a new inbox is refused; the first message is then delivered",
    requirements: ["ACK-AHEAD", "ACK-FAILED"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const { epoch } = await phone.sync();
      for (const sentEpoch of [epoch, ""]) {
        const result = await phone.trySync({ cliSeq: 1, epoch: sentEpoch });
        const refusal = t.refused(result, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
        const state = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        const violation = "the refusal does not hold the inbox's current epoch and svr_seq";
        t.equal(state, { svrSeq: 0, epoch }, "ACK-AHEAD", violation);
      }
      const first = await alice.send(bob);
      const message = "a message is missing whose seq was the cli_seq of an earlier refused Sync";
      t.page(await phone.sync(), 1, [first], "ACK-FAILED", message);
    },
  },
  {
    // § ACK-FAILED: A refused Sync MUST NOT acknowledge anything.
    id: "ack/refused-acks-nothing",
    title: "Syncs that are refused because of their epoch or credential ack nothing; the corrected Sync then acks",
    requirements: ["ACK-FAILED", "ERR-UNCHANGED", "ACK-IMPLICIT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      const cliSeq = bob.base + 3;
      await t.unchanged(bob, "ACK-FAILED", "a refused Sync", async () => {
        const wrongEpoch = await phone.trySync({ cliSeq, epoch: "not the epoch" });
        t.refused(wrongEpoch, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with a wrong epoch");
        for (const token of [null, `${bob.token}x`]) {
          const unauthenticated = await phone.trySync({ cliSeq }, { token });
          t.refused(unauthenticated, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a valid credential");
        }
      });
      // A refused Sync right before a valid one must not suppress the ack of the valid one.
      await phone.trySync({ cliSeq, epoch: "not the epoch" });
      const page = await phone.sync({ cliSeq });
      t.fields(page, { ackedSeq: cliSeq }, "ACK-IMPLICIT", "a Sync did not acknowledge up to its cli_seq");
      t.page(page, bob.base + 4, sent.slice(3), "SYNC-RANGE", "the page does not hold the messages after the ack");
      const { ackedSeq } = await bob.device("tablet").sync();
      t.equal(
        { ackedSeq },
        { ackedSeq: cliSeq },
        "ACK-IMPLICIT",
        "the ack of a Sync that followed a refused one was lost",
      );
    },
  },
  {
    // § ACK-IMPLICIT: A successful Sync with `cli_seq` c MUST acknowledge every message up to c.
    id: "ack/while-messages-come",
    title: "While messages arrive, each Sync acks exactly what the device has stored",
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
          t.fields(page, { ackedSeq: had }, "ACK-NOT-ON-ANSWER", "acked_seq is not the device's cli_seq");
        }
      })();
      const [sent] = await Promise.all([sends, fetches]);
      await phone.drain();
      t.all(phone.stored, bob.base + 1, sent, "PAGE-ARRIVALS", "the device did not receive each message exactly once");
    },
  },
];
