import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { blamingCircumstances } from "../../harness/control.js";
import { expectReasonOfFullInbox } from "../../harness/full-inbox.js";

const MAX_SEQ = 0xffff_ffff;
const HALF = 0x8000_0000;

/** Seqs: the upper range, and the last seq. */
export const seqRange: readonly Case[] = [
  {
    // § SEQ-UNSIGNED: Every requirement of this specification MUST hold over the whole range of seqs from 0 to
    // § 4294967295, across 2147483648 as anywhere else.
    id: "seq/across-2-to-the-31",
    title: "Across seq 2147483648 an inbox numbers, delivers, acks and redelivers messages as at low seqs",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF - 3 },
    run: (t) => checkInbox(t, HALF - 3),
  },
  {
    id: "seq/from-2-to-the-31",
    title: "From seq 2147483648 on, an inbox numbers, delivers, acks and redelivers messages as at low seqs",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF },
    run: (t) => checkInbox(t, HALF),
  },
  {
    id: "seq/ack-across-2-to-the-31",
    title: "An ack from 2147483644 to 2147483649 takes effect for another device",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF - 4 },
    async run(t: Context) {
      const check = async (from: TestAccount, to: TestAccount) => {
        const sent = await from.sendMany(to, 6);
        const acked = to.base + 5;
        await to.device("phone").sync({ cliSeq: acked });
        for (const cliSeq of [0, to.base, to.base + 3, to.base + 4]) {
          const page = await to.device("tablet").sync({ cliSeq });
          t.fields(page, { ackedSeq: acked }, "DEV-SHARED-ACK", "a Sync did not report the ack of another device");
          const violation = "a Sync did not return the messages after the ack of another device";
          t.page(page, acked + 1, sent.slice(5), "DEV-SHARED-ACK", violation);
        }
      };
      const { alice, bob } = t;
      await blamingCircumstances(
        t,
        "SEQ-UNSIGNED",
        () => check(alice, bob),
        () => check(bob, alice),
      );
    },
  },
  {
    id: "seq/across-9999",
    title: "Across seq 9999 an inbox compares seqs as numbers, not as text",
    requirements: ["SEQ-UNSIGNED"],
    bulk: true,
    needs: { startSeq: 9997 },
    run: (t) => checkInbox(t, 9997),
  },
  {
    id: "seq/across-999999999",
    title: "Across seq 999999999 an inbox compares seqs as numbers, not as text",
    requirements: ["SEQ-UNSIGNED"],
    bulk: true,
    needs: { startSeq: 999_999_997 },
    run: (t) => checkInbox(t, 999_999_997),
  },
  {
    id: "seq/high",
    title: "Above seq 4000000000, lower cli_seqs are accepted as lagging, and 4294967295 is refused as ahead",
    requirements: ["SEQ-UNSIGNED", "ACK-AHEAD"],
    needs: { startSeq: 4_000_000_000 },
    async run(t: Context) {
      await checkInbox(t, 4_000_000_000);
      await t.blaming("SEQ-UNSIGNED", async () => {
        const { bob } = t;
        const device = bob.device("phone");
        const { ackedSeq } = await device.sync();
        for (const cliSeq of [5, HALF - 1, HALF]) {
          const page = await device.sync({ cliSeq });
          t.fields(page, { ackedSeq }, "DEV-LAGGING", `a Sync with cli_seq ${cliSeq} changed a higher acked_seq`);
        }
        const result = await device.trySync({ cliSeq: MAX_SEQ });
        t.refused(result, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with cli_seq 4294967295");
      });
    },
  },
  {
    id: "seq/low-inbox-high-claim",
    title: "In a new inbox cli_seqs from 2147483647 to 4294967295 are refused as ahead",
    requirements: ["SEQ-UNSIGNED", "ACK-AHEAD"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 2);
      await t.unchanged(bob, "ACK-AHEAD", "a refused Sync", async () => {
        for (const cliSeq of [HALF - 1, HALF, HALF + 1, MAX_SEQ]) {
          const result = await bob.device().trySync({ cliSeq });
          t.refused(result, Reason.CLI_SEQ_AHEAD, "SEQ-UNSIGNED", `a Sync with cli_seq ${cliSeq}`);
        }
      });
      const violation = "the inbox does not hold exactly the accepted messages after refused Syncs";
      t.all(await bob.device().drain(), 1, sent, "SEQ-UNSIGNED", violation);
    },
  },
  {
    // § SEQ-EXHAUSTED: A Send to an inbox whose `svr_seq` is 4294967295 MUST be refused with `resource_exhausted` and
    // § the reason SEQ_EXHAUSTED, if it is not a retry and no other refusal applies to it, and the numbering MUST NOT
    // § wrap.
    id: "seq/last-is-4294967295",
    title: "The last seqs are assigned; then Sends are refused as SEQ_EXHAUSTED and the numbering does not wrap",
    requirements: ["SEQ-EXHAUSTED", "SEND-ACCEPT", "SEND-SEQ-HIDDEN"],
    needs: { startSeq: MAX_SEQ - 2 },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      await t.blaming("SEQ-EXHAUSTED", async () => {
        sent.push(...(await alice.sendMany(bob, 2)));
      });
      await t.unchanged(bob, "SEQ-EXHAUSTED", "a Send to an exhausted inbox", async () => {
        for (const sender of [alice, bob, alice]) {
          const sends = [sender.trySend(bob)];
          for (const result of await expectReasonOfFullInbox(t, bob, sends, "SEQ-EXHAUSTED", Reason.SEQ_EXHAUSTED))
            t.refused(result, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send after the last seq");
        }
      });
      const got = await bob.device().drain();
      t.all(got, MAX_SEQ - 1, sent, "SEQ-EXHAUSTED", "the last messages do not have the last seqs");
      const result = await alice.trySend(bob);
      t.refused(result, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox without pending messages");
      const note = await alice.send(alice, "to another inbox");
      const bobs = await bob.send(alice, "from the owner of an exhausted inbox");
      const received = await alice.device().drain();
      const violation = "another inbox did not get the messages after one was exhausted";
      t.all(received, alice.base + 1, [note, bobs], "SEQ-INDEPENDENT", violation);
    },
  },
  {
    id: "seq/last-ones-at-once",
    title: "Of twelve concurrent Sends for the last five seqs exactly five are accepted",
    requirements: ["SEQ-EXHAUSTED", "SEQ-PARALLEL"],
    needs: { startSeq: MAX_SEQ - 5 },
    async run(t: Context) {
      const { bob, alice } = t;
      const results = await Promise.all(Array.from({ length: 12 }, () => alice.trySend(bob, "")));
      for (const result of results) {
        if (result.kind === "response") continue;
        t.refused(result, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send after the last seq");
      }
      const accepted = results.filter(({ kind }) => kind === "response").length;
      t.equal(
        { accepted },
        { accepted: 5 },
        "SEQ-EXHAUSTED",
        "the number of accepted Sends is not the number of free seqs",
      );
      const got = await bob.device().drain();
      const seqs = got.map((message) => message.seq);
      t.equal(
        { seqs },
        { seqs: [4, 3, 2, 1, 0].map((n) => MAX_SEQ - n) },
        "SEQ-PARALLEL",
        "the accepted messages do not have the last five seqs",
      );
    },
  },
  {
    // § SEQ-EXHAUSTED-SYNC: In an inbox whose `svr_seq` is 4294967295 Sync MUST continue to work: it delivers and
    // § acknowledges up to that seq.
    id: "seq/exhausted-inbox-syncs",
    title: "An exhausted inbox delivers and acks up to 4294967295",
    requirements: ["SEQ-EXHAUSTED-SYNC"],
    needs: { startSeq: MAX_SEQ - 3 },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      await t.blaming("SEQ-EXHAUSTED-SYNC", async () => {
        for (let attempt = 0; attempt < 2; attempt += 1) {
          t.page(await bob.device().sync(), MAX_SEQ - 2, sent, "SYNC-RANGE", "a page does not hold the last messages");
        }
        // From 4 on acked_seq + page_size exceeds 32 bits.
        for (const pageSize of [2, 3, 4, 1000, MAX_SEQ]) {
          const page = await bob.device().sync({ pageSize });
          const violation = `a page of ${pageSize} does not hold the last messages`;
          t.page(page, MAX_SEQ - 2, sent.slice(0, pageSize), "SYNC-RANGE", violation);
        }
        const phone = bob.device("phone");
        const message = "the pages together do not hold the last messages";
        t.all(await phone.drain(1), MAX_SEQ - 2, sent, "PAGE-UNION", message);
        t.fields(phone, { cliSeq: MAX_SEQ }, "SYNC-NEXT", "next_cli_seq of the last page is not the last seq");
        for (const cliSeq of [MAX_SEQ, 0, MAX_SEQ - 1, MAX_SEQ]) {
          const { svrSeq, ackedSeq, nextCliSeq, messages } = await bob.device().sync({ cliSeq });
          t.equal(
            { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
            { svrSeq: MAX_SEQ, ackedSeq: MAX_SEQ, nextCliSeq: MAX_SEQ, messages: 0 },
            "SYNC-NEXT",
            `a Sync with cli_seq ${cliSeq} in an exhausted, fully acked inbox does not report 4294967295 and no messages`,
          );
        }
      });
    },
  },
];

/** Checks bob's inbox, which starts at `base`. What is wrong in alice's as well has nothing to do with high seqs. */
const checkInbox = (t: Context, base: number): Promise<void> =>
  blamingCircumstances(
    t,
    "SEQ-UNSIGNED",
    () => checkNumbers(t, t.alice, t.bob, base),
    () => checkNumbers(t, t.bob, t.alice, t.alice.base),
  );

/** Checks numbering, pages, acks, lagging devices and refused Syncs in an inbox that starts at `base`. */
async function checkNumbers(t: Context, alice: TestAccount, bob: TestAccount, base: number): Promise<void> {
  const sent = await alice.sendMany(bob, 6);
  t.fields(await bob.state(), { svrSeq: base + 6 }, "SEQ-CONSECUTIVE", "svr_seq did not rise by 6 after 6 messages");
  for (let acked = 0; acked <= 6; acked += 1) {
    const page = await bob.device("phone").sync({ cliSeq: base + acked });
    t.fields(page, { ackedSeq: base + acked }, "ACK-IMPLICIT", "a Sync did not acknowledge up to its cli_seq");
    const violation = "a page does not hold the messages after the ack";
    t.page(page, base + acked + 1, sent.slice(acked), "SYNC-RANGE", violation);
    const old = await bob.device("tablet").sync({ cliSeq: base + Math.max(0, acked - 2), pageSize: 4 });
    t.fields(old, { ackedSeq: base + acked }, "ACK-MONOTONE", "a lower cli_seq changed acked_seq");
    const message = "a page of 4 does not hold the messages after the ack";
    t.page(old, base + acked + 1, sent.slice(acked, acked + 4), "SYNC-RANGE", message);
  }
  const stale = await bob.device("tablet").trySync({ epoch: "not-the-epoch" });
  const { detail } = t.refused(stale, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with a wrong epoch");
  t.equal(
    { svrSeq: detail?.svrSeq },
    { svrSeq: base + 6 },
    "EPOCH-MISMATCH",
    "the refusal does not hold the current svr_seq",
  );
  const ahead = await bob.device("phone").trySync({ cliSeq: base + 7 });
  t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
  const more = await alice.sendAtOnce(bob, 6);
  const phone = bob.device("phone");
  phone.cliSeq = base + 6;
  expectExactly(t, await phone.drain(4), base + 7, more, "SEQ-PARALLEL");
}
