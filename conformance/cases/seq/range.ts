import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Sent } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectReasonOfFullInbox } from "../../harness/full-inbox.js";

const MAX_SEQ = 0xffff_ffff;
const HALF = 0x8000_0000;

/** The range of seqs: high ones, and the last. */
export const seqRange: readonly Case[] = [
  {
    // § SEQ-UNSIGNED: Every requirement of this specification MUST hold over the whole range of seqs from 0 to
    // § 4294967295, across 2147483648 as anywhere else.
    id: "seq/across-2-to-the-31",
    title: "bob's inbox goes from 2147483645 to 2147483651: numbered, paged, acked and redelivered as anywhere else",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF - 3 },
    run: (t) => ordinaryLife(t, HALF - 3),
  },
  {
    id: "seq/from-2-to-the-31",
    title: "bob's inbox stands at 2147483648 and goes on",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF },
    run: (t) => ordinaryLife(t, HALF),
  },
  {
    id: "seq/ack-across-2-to-the-31",
    title: "one ack goes from 2147483644 to 2147483649; another phone gets what follows it, and nothing else",
    requirements: ["SEQ-UNSIGNED"],
    needs: { startSeq: HALF - 4 },
    async run(t: Context) {
      const { bob, alice } = t;
      await t.blaming("SEQ-UNSIGNED", async () => {
        const sent = await alice.sendMany(bob, 6);
        await bob.device("phone").sync({ cliSeq: HALF + 1 });
        for (const cliSeq of [0, HALF - 4, HALF - 1, HALF]) {
          const page = await bob.device("tablet").sync({ cliSeq });
          t.equal(page.ackedSeq, HALF + 1, "DEV-SHARED-ACK", "the ack of another phone is not where it was");
          t.page(page, HALF + 2, sent.slice(5), "DEV-SHARED-ACK", "another phone did not get what follows the ack");
        }
      });
    },
  },
  {
    id: "seq/across-9999",
    title: "bob's inbox goes from 9997 to 10009, of which each is above 9999 as a number and not as a text",
    requirements: ["SEQ-UNSIGNED"],
    bulk: true,
    needs: { startSeq: 9997 },
    run: (t) => ordinaryLife(t, 9997),
  },
  {
    id: "seq/across-999999999",
    title: "bob's inbox goes from 999999997 to 1000000009, where the seqs get a tenth digit",
    requirements: ["SEQ-UNSIGNED"],
    bulk: true,
    needs: { startSeq: 999_999_997 },
    run: (t) => ordinaryLife(t, 999_999_997),
  },
  {
    id: "seq/high",
    title:
      "bob's inbox stands at 4000000000; old devices with 5 and with 2147483647 are behind it, 4294967295 is ahead",
    requirements: ["SEQ-UNSIGNED", "ACK-AHEAD"],
    needs: { startSeq: 4_000_000_000 },
    async run(t: Context) {
      await ordinaryLife(t, 4_000_000_000);
      await t.blaming("SEQ-UNSIGNED", async () => {
        const { bob } = t;
        const device = bob.device("phone");
        const { ackedSeq } = await device.sync();
        for (const cliSeq of [5, HALF - 1, HALF]) {
          const page = await device.sync({ cliSeq });
          t.equal(page.ackedSeq, ackedSeq, "DEV-LAGGING", `a Sync with ${cliSeq} moved the ack of a higher inbox`);
        }
        const answered = await device.trySync({ cliSeq: MAX_SEQ });
        t.refused(answered, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a cli_seq of 4294967295");
      });
    },
  },
  {
    id: "seq/low-inbox-high-claim",
    title: "bob's inbox stands low; claims of 2147483647, 2147483648 and 4294967295 are all ahead of it",
    requirements: ["SEQ-UNSIGNED", "ACK-AHEAD"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 2);
      await t.unchanged(bob, "ACK-AHEAD", "a refused claim", async () => {
        for (const cliSeq of [HALF - 1, HALF, HALF + 1, MAX_SEQ]) {
          const answered = await bob.device().trySync({ cliSeq });
          t.refused(answered, Reason.CLI_SEQ_AHEAD, "SEQ-UNSIGNED", `a cli_seq of ${cliSeq}`);
        }
      });
      t.all(await bob.device().drain(), 1, sent, "SEQ-UNSIGNED", "a claim far ahead lost messages");
    },
  },
  {
    // § SEQ-EXHAUSTED: A Send to an inbox whose `svr_seq` is 4294967295 MUST be refused with `resource_exhausted` and
    // § the reason SEQ_EXHAUSTED, if it is no repetition and no other refusal applies to it, and the numbering MUST NOT
    // § wrap.
    id: "seq/last-is-4294967295",
    title: "the last two seqs are given to messages; the Send after that is refused, and nothing wraps",
    requirements: ["SEQ-EXHAUSTED", "SEND-ACCEPT", "SEND-SEQ-HIDDEN"],
    needs: { startSeq: MAX_SEQ - 2 },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      await t.blaming("SEQ-EXHAUSTED", async () => {
        sent.push(...(await alice.sendMany(bob, 2)));
      });
      await t.unchanged(bob, "SEQ-EXHAUSTED", "a Send to an inbox without seqs", async () => {
        for (const sender of [alice, bob, alice]) {
          const sends = [sender.trySend(bob)];
          for (const answered of await expectReasonOfFullInbox(t, bob, sends, "SEQ-EXHAUSTED", Reason.SEQ_EXHAUSTED))
            t.refused(answered, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send beyond the last seq");
        }
      });
      const got = await bob.device().drain();
      t.all(got, MAX_SEQ - 1, sent, "SEQ-EXHAUSTED", "the last seqs are not those of the last messages");
      const answered = await alice.trySend(bob);
      t.refused(answered, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox that was emptied");
      const note = await alice.send(alice, "to another inbox");
      const word = await bob.send(alice, "from an account without seqs");
      const own = await alice.device().drain();
      t.all(own, alice.base + 1, [note, word], "SEQ-INDEPENDENT", "an exhausted inbox has stopped another");
    },
  },
  {
    id: "seq/last-ones-at-once",
    title: "twelve Sends compete for the last five seqs: five are accepted, the others are refused",
    requirements: ["SEQ-EXHAUSTED", "SEQ-PARALLEL"],
    needs: { startSeq: MAX_SEQ - 5 },
    async run(t: Context) {
      const { bob, alice } = t;
      const answers = await Promise.all(Array.from({ length: 12 }, () => alice.trySend(bob, "")));
      for (const answered of answers) {
        if (answered.kind === "response") continue;
        t.refused(answered, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send beyond the last seq");
      }
      const accepted = answers.filter(({ kind }) => kind === "response").length;
      t.equal(accepted, 5, "SEQ-EXHAUSTED", "not exactly as many were accepted as there were seqs");
      const got = await bob.device().drain();
      const seqs = got.map((message) => message.seq);
      t.equal(
        seqs,
        [4, 3, 2, 1, 0].map((n) => MAX_SEQ - n),
        "SEQ-PARALLEL",
        "the last seqs are not each used once",
      );
    },
  },
  {
    // § SEQ-EXHAUSTED-SYNC: In an inbox whose `svr_seq` is 4294967295 Sync MUST go on as before: it delivers and
    // § acknowledges up to that seq.
    id: "seq/exhausted-inbox-syncs",
    title: "bob's exhausted inbox is paged and acked to its end; Syncs with 4294967295 and with 0 find it empty",
    requirements: ["SEQ-EXHAUSTED-SYNC"],
    needs: { startSeq: MAX_SEQ - 3 },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      await t.blaming("SEQ-EXHAUSTED-SYNC", async () => {
        for (let attempt = 0; attempt < 2; attempt += 1) {
          t.page(await bob.device().sync(), MAX_SEQ - 2, sent, "SYNC-RANGE", "the last page is not there");
        }
        // acked_seq + page_size is beyond 32 bits from 4 on.
        for (const pageSize of [2, 3, 4, 1000, MAX_SEQ]) {
          const page = await bob.device().sync({ pageSize });
          t.page(page, MAX_SEQ - 2, sent.slice(0, pageSize), "SYNC-RANGE", `the last page of ${pageSize} is not there`);
        }
        const phone = bob.device("phone");
        t.all(await phone.drain(1), MAX_SEQ - 2, sent, "PAGE-UNION", "the last pages do not hold the last messages");
        t.equal(phone.cliSeq, MAX_SEQ, "SYNC-NEXT", "the last page does not lead to the last seq");
        for (const cliSeq of [MAX_SEQ, 0, MAX_SEQ - 1, MAX_SEQ]) {
          const { svrSeq, ackedSeq, nextCliSeq, messages } = await bob.device().sync({ cliSeq });
          t.equal(
            { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
            { svrSeq: MAX_SEQ, ackedSeq: MAX_SEQ, nextCliSeq: MAX_SEQ, messages: 0 },
            "SYNC-NEXT",
            `a Sync with ${cliSeq} at the end of the numbering`,
          );
        }
      });
    },
  },
];

/** Sends, pages, acks in the middle, is asked again by an old device and claims too much: all of it from `base` on. */
async function ordinaryLife(t: Context, base: number): Promise<void> {
  const { bob, alice } = t;
  await t.blaming("SEQ-UNSIGNED", async () => {
    const sent = await alice.sendMany(bob, 6);
    t.equal((await bob.state()).svrSeq, base + 6, "SEQ-CONSECUTIVE", "6 messages did not take 6 seqs");
    for (let acked = 0; acked <= 6; acked += 1) {
      const page = await bob.device("phone").sync({ cliSeq: base + acked });
      t.equal(page.ackedSeq, base + acked, "ACK-IMPLICIT", "a Sync did not ack through its cli_seq");
      t.page(page, base + acked + 1, sent.slice(acked), "SYNC-RANGE", "a page is not what follows the ack");
      const old = await bob.device("tablet").sync({ cliSeq: base + Math.max(0, acked - 2), pageSize: 4 });
      t.equal(old.ackedSeq, base + acked, "ACK-MONOTONE", "an old device moved the ack");
      t.page(old, base + acked + 1, sent.slice(acked, acked + 4), "SYNC-RANGE", "a page of 4 is not what follows");
    }
    const stale = await bob.device("tablet").trySync({ epoch: "not-the-epoch" });
    const { detail } = t.refused(stale, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync under another epoch");
    t.equal(detail?.svrSeq, base + 6, "EPOCH-MISMATCH", "the refusal does not tell the current svr_seq");
    const ahead = await bob.device("phone").trySync({ cliSeq: base + 7 });
    t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a cli_seq above svr_seq");
    const more = await alice.sendAtOnce(bob, 6);
    const phone = bob.device("phone");
    phone.cliSeq = base + 6;
    expectExactly(t, await phone.drain(4), base + 7, more, "SEQ-PARALLEL");
  });
}
