import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { type Accepted, InboxRecord, restartWithAccounts } from "../../harness/inbox-record.js";

/** Size at which some stores put a payload elsewhere, in bytes. */
const LARGE_BYTES = 64 << 10;
/** Largest payload of these cases, in bytes. */
const LARGEST_BYTES = 1 << 20;
/** Total size of the pending payloads, in bytes: more than some stores keep in memory. */
const PENDING_BYTES = 1 << 20;
/** Numbers of messages of the cases with many. */
const MANY = 300;
const THOUSANDS = 2500;
/** Number of Sends that are retried after the crash. */
const RETRIES = 20;

/** Durability: large messages, and many of them. */
export const crashesWithVolume: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it serves a call on that inbox.
    id: "durable/large-payloads",
    title: "After a crash payloads of up to 1 MiB, and as much in all, are as they were, and retries are recognised",
    requirements: ["DUR-NEW-EPOCH"],
    bulk: true,
    needs: { restart: true },
    async run(t) {
      const { bob, alice } = t;
      const inbox = await InboxRecord.of(t, bob);
      const payloads = sizesUpTo(t.info.maxPayloadBytes).map((size) => randomBytes(t, size));
      // One at a time, so that an inbox that takes few large messages has room.
      for (const payload of payloads) await inbox.ack(await inbox.receive(alice, [payload]));
      await inbox.receive(alice, [...payloads, ...furtherPayloads(t, payloads)]);
      await crashAndCompare(t, inbox, (messages) => messages);
    },
  },
  crashWith("durable/many-messages", MANY),
  // More than a server reads in one go while it starts.
  { ...crashWith("durable/thousands-of-messages", THOUSANDS), thorough: true },
];

/** A crash of a server whose inbox holds so many messages, a third of them acknowledged. */
function crashWith(id: string, count: number): Case {
  return {
    id,
    title: `After a crash an inbox with up to ${count} messages, a third of them acked, is as it was or has a new epoch`,
    requirements: ["DUR-NEW-EPOCH"],
    bulk: true,
    needs: { restart: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const inbox = await InboxRecord.of(t, bob);
      const payloads = Array.from({ length: count }, (_, n) => t.filler(`message ${n + 1}`));
      const received = await inbox.receive(alice, payloads);
      await inbox.ack(Math.floor(received / 3));
      const isChosen = (_: Accepted, index: number, { length }: readonly Accepted[]) =>
        index % Math.ceil(count / RETRIES) === 0 || index === length - 1;
      await crashAndCompare(t, inbox, (messages) => messages.filter(isChosen));
    },
  };
}

/** Crashes the server, compares the inbox, retries the chosen Sends, sends one more, and fetches everything. */
async function crashAndCompare(
  t: Context,
  inbox: InboxRecord,
  choose: (messages: readonly Accepted[]) => readonly Accepted[],
): Promise<void> {
  await restartWithAccounts(t);
  const wasKept = await inbox.expectKeptOrRenewed();
  await inbox.expectRetries(wasKept, choose);
  await inbox.receive(t.alice, [t.filler("afterwards")]);
  await inbox.expectAll();
}

/** Sizes around those at which stores change how they keep a payload, and the largest that the server takes. */
function sizesUpTo(maxPayloadBytes: number): number[] {
  const max = Math.min(maxPayloadBytes, LARGEST_BYTES);
  return [...new Set([0, 1000, 8192, LARGE_BYTES - 1, LARGE_BYTES, max - 1, max])].filter((size) => size <= max);
}

/** As many payloads of the largest size, or 64 KiB, as it takes to have `PENDING_BYTES` in all. */
function furtherPayloads(t: Context, payloads: readonly Uint8Array[]): Uint8Array[] {
  const size = Math.min(t.info.maxPayloadBytes, LARGE_BYTES);
  const missing = PENDING_BYTES - payloads.reduce((sum, { length }) => sum + length, 0);
  // Small payloads would be very many: the case about many messages has these.
  const count = size < LARGE_BYTES ? 0 : Math.max(0, Math.ceil(missing / size));
  return Array.from({ length: count }, () => randomBytes(t, size));
}

/** Bytes that no store can shorten. */
const randomBytes = (t: Context, size: number) => Uint8Array.from({ length: size }, () => Math.floor(t.random() * 256));
