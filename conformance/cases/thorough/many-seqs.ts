import { ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive } from "../../findings.js";
import type { TestAccount } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { leaseAccounts } from "../../harness/lease-accounts.js";
import { forEachAtOnce, messagesTo, requireAtLeast, sendVolume } from "../../harness/volume.js";

/** Last seq of the case that sends all messages, and the seq without which it shows nothing. */
const LAST_SEQ = 16_800;
const MINIMUM = 1025;
/** Number of messages that are pending at once: no multiple of it is a power of two or ten, so each is among them. */
const AT_ONCE = 700;

/** Messages before and after a seq. */
const BEFORE = 5;
const AFTER = 5;

/** The seqs that are powers of two and of ten, where the representation of a number may get longer. */
const POWERS = [
  ...Array.from({ length: 25 }, (_, n) => 2 ** (n + 7)),
  ...Array.from({ length: 8 }, (_, n) => 10 ** (n + 2)),
];

/** Cases about the numbers of messages. */
export const manySeqs: readonly Case[] = [
  {
    // § SEQ-CONSECUTIVE: Each accepted message MUST get the seq that follows the highest one assigned before in its
    // § recipient's inbox, and nothing but an accepted message may use up a seq.
    id: "seq/thousands-from-1",
    title: `The messages of a new inbox have consecutive seqs from 1 to ${LAST_SEQ}, while devices fetch and ack them`,
    requirements: ["SEQ-CONSECUTIVE", "PAGE-UNION", "SYNC-RANGE"],
    thorough: true,
    bulk: true,
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      let last = bob.base;
      // A small inbox gets only as many messages at once as it has room for.
      let atOnce = AT_ONCE;
      while (last < bob.base + LAST_SEQ) {
        const sent = await sendVolume(t, messagesTo(t, alice, bob, atOnce));
        if (sent.length === 0) break;
        atOnce = sent.length;
        const had = phone.stored.length;
        // The last page stays unacknowledged until the next messages are there.
        await phone.catchUp();
        expectExactly(t, phone.stored.slice(had), last + 1, sent, "SEQ-CONSECUTIVE");
        last += sent.length;
      }
      requireAtLeast(MINIMUM, last - bob.base, "messages in an inbox");
    },
  },
  {
    // § SEQ-UNSIGNED: Every requirement of this specification MUST hold over the whole range of seqs from 0 to
    // § 4294967295, across 2147483648 as anywhere else.
    id: "seq/powers-of-two-and-ten",
    title: "Across each power of two and of ten an inbox numbers, delivers and acks messages as at low seqs",
    requirements: ["SEQ-UNSIGNED", "SEQ-CONSECUTIVE"],
    thorough: true,
    bulk: true,
    needs: { accounts: 0 },
    async run(t: Context) {
      const [alice] = await leaseAccounts(t, { wanted: 1, minimum: 1, nameOf: () => "alice" });
      if (alice === undefined) return;
      await t.blaming("SEQ-UNSIGNED", () => forEachAtOnce(POWERS, (power) => checkAcross(t, alice, power), 8));
    },
  },
];

/** Checks an inbox whose seqs cross a number. */
async function checkAcross(t: Context, alice: TestAccount, power: number): Promise<void> {
  const startSeq = power - 1 - BEFORE;
  const reason = t.source.unavailableReason({ count: 1, startSeq });
  if (reason !== undefined) throw new Inconclusive(reason, ReasonCode.ACCOUNTS);
  const leases = await t.source.lease({ count: 1, startSeq });
  t.onEnd(() => t.source.release(leases));
  const [bob] = t.addAccounts(leases, () => `bob at ${startSeq}`);
  if (bob === undefined) return;
  const across = `across seq ${power}`;
  const sent = await alice.sendMany(bob, BEFORE + AFTER);
  const end = startSeq + sent.length;
  for (const pageSize of [1, 3, 0]) {
    const page = await bob.device("tablet").sync({ pageSize });
    t.page(page, startSeq + 1, sent, "SEQ-UNSIGNED", `${across}, a page does not begin with the first message`);
  }
  // Acknowledges up to just before the number, the number itself, and the one after it.
  for (const acked of [power - 2, power - 1, power, power + 1]) {
    await bob.device("phone").sync({ cliSeq: acked });
    for (const cliSeq of [startSeq, acked]) {
      const page = await bob.device("tablet").sync({ cliSeq });
      t.fields(page, { ackedSeq: acked, svrSeq: end }, "SEQ-UNSIGNED", `${across}, a Sync reports a wrong state`);
      const violation = `${across}, a Sync does not return the messages after the acknowledged ones`;
      t.page(page, acked + 1, sent.slice(acked - startSeq), "SEQ-UNSIGNED", violation);
    }
  }
}
