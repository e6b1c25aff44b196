import { durationMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { leaseAccounts } from "../../harness/lease-accounts.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { forEachAtOnce, messagesTo, requireAtLeast, sendWithAcks } from "../../harness/volume.js";

/** Number of dedup records that the cases want, and the number to cross: a usual bound of caches is 10,000. */
const WANTED = 10_500;
const MINIMUM = 10_001;
const WHAT = "messages within its dedup_window";

/** Number of messages after which the recipients acknowledge. */
const BETWEEN_ACKS = 1000;

/** Number of senders in the case about many of them. */
const SENDERS = 60;

/** Cases with many dedup records. */
export const dedupRecords: readonly Case[] = [
  {
    // § SEND-RETRY-LATER: Within the dedup window a retry MUST be recognised whatever other Sends came in between, from
    // § this sender or others, and even after the recipient has acknowledged the message.
    id: "send/ten-thousand-records",
    title: "Of more than 10,000 messages of one sender, the first, the middle and the last are recognised in retries",
    requirements: ["SEND-RETRY-LATER", "SEND-RETRY", "SEND-ID-REUSED"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const sent = await sendWithAcks(t, messagesTo(t, alice, bob, WANTED), () => phone.drain(), {
        atMost: BETWEEN_ACKS,
        isOver: mostOfTheWindow(t),
      });
      requireAtLeast(MINIMUM, sent.length, WHAT);
      const end = bob.base + sent.length;
      const chosen = sent.filter((_, index) => index % 500 === 0 || index < 3 || index >= sent.length - 3);
      for (const [index, message] of chosen.entries()) {
        await expectSameResponseOnRetry(t, alice, bob, message, "SEND-RETRY-LATER");
        if (index > 0) continue;
        const other = await alice.trySend(bob, "other content", { id: message.clientMessageId });
        const what = `an id that was used ${sent.length} messages ago, with other content,`;
        t.refused(other, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", what);
      }
      const violation = `a retry created a message after ${sent.length} other messages`;
      t.fields(await bob.state(), { svrSeq: end }, "SEND-RETRY-LATER", violation);
    },
  },
  {
    id: "send/records-of-many-senders",
    title: `Of more than 10,000 messages of ${SENDERS} senders, the first and the last of each are recognised in retries`,
    requirements: ["SEND-RETRY-LATER", "SEND-RETRY"],
    thorough: true,
    bulk: true,
    needs: { accounts: 0 },
    async run(t: Context) {
      const accounts = await leaseAccounts(t, { wanted: SENDERS, minimum: 20, nameOf: (n) => `user ${n + 1}` });
      const isOver = mostOfTheWindow(t);
      const devices = accounts.map((account) => account.device("phone"));
      const rounds = Math.ceil(WANTED / accounts.length);
      // Each sends to the next one, and all take turns.
      const outgoing = Array.from({ length: rounds }, (_, round) =>
        accounts.map((from, index) => {
          const to = accounts[(index + 1) % accounts.length] ?? from;
          return { from, to, id: t.newId(), payload: t.filler(`message ${round + 1}`) };
        }),
      ).flat();
      const drainAll = () => forEachAtOnce(devices, (device) => device.drain());
      const sent = await sendWithAcks(t, outgoing, drainAll, { atMost: 4 * BETWEEN_ACKS, isOver });
      requireAtLeast(MINIMUM, sent.length, WHAT);
      await forEachAtOnce(accounts, async (account) => {
        const own = sent.filter(({ from }) => from === account);
        for (const message of [own[0], own.at(-1)])
          if (message !== undefined)
            await expectSameResponseOnRetry(t, account, message.to, message, "SEND-RETRY-LATER");
      });
      await forEachAtOnce(accounts, async (account) => {
        const count = sent.filter(({ to }) => to === account).length;
        const violation = `a retry created a message after ${sent.length} messages of ${accounts.length} senders`;
        t.fields(await account.state(), { svrSeq: account.base + count }, "SEND-RETRY-LATER", violation);
      });
    },
  },
];

/** Returns a function that tells whether most of the dedup window has passed: the retries need the rest. */
function mostOfTheWindow({ info: { dedupWindow } }: Context): () => boolean {
  const until =
    performance.now() + (dedupWindow === undefined ? Number.POSITIVE_INFINITY : 0.7 * durationMs(dedupWindow));
  return () => performance.now() > until;
}
