import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../findings.js";
import { bytes, type SentMessage } from "./account.js";
import type { Context } from "./context.js";
import { expectReasonOfFullInbox } from "./full-inbox.js";

/** Number of concurrent Sends that fill a backlog. */
const CONCURRENCY = 100;

export interface Backlog {
  /** The accepted messages, in no particular order. */
  sent: SentMessage[];
  /** The first message that was refused because the inbox is full; undefined if all were accepted. */
  refused: SentMessage | undefined;
}

/** Sends `count` messages from alice to bob, up to 100 concurrently, until the inbox is full. */
export async function tryFillBacklog(
  t: Context,
  count: number,
  payload: Uint8Array | string = t.filler("hello"),
): Promise<Backlog> {
  const sent: SentMessage[] = [];
  for (let left = count; left > 0; left -= CONCURRENCY) {
    const batch = Array.from({ length: Math.min(left, CONCURRENCY) }, () => ({
      clientMessageId: t.newId(),
      payload: bytes(payload),
    }));
    const sends = batch.map(({ clientMessageId: id }) => t.alice.trySend(t.bob, payload, { id }));
    const results = await expectReasonOfFullInbox(t, t.bob, sends, "SEND-BACKLOG", Reason.BACKLOG_FULL);
    let refused: SentMessage | undefined;
    for (const [index, message] of batch.entries()) {
      const result = results[index];
      if (result?.kind === "response") sent.push({ ...message, acceptedAt: result.value.acceptedAt });
      else if (result?.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL) {
        t.refused(result, Reason.BACKLOG_FULL, "SEND-BACKLOG", "a Send to a full inbox");
        refused ??= { ...message, acceptedAt: undefined };
      } else if (result !== undefined) t.accepted(result, "SEND-ACCEPT");
    }
    if (refused !== undefined) return { sent, refused };
  }
  return { sent, refused: undefined };
}

/** Sends exactly `count` messages from alice to bob; inconclusive if the inbox is full earlier. */
export async function fillBacklog(
  t: Context,
  count: number,
  payload: Uint8Array | string = t.filler("hello"),
): Promise<SentMessage[]> {
  const { sent, refused } = await tryFillBacklog(t, count, payload);
  if (refused === undefined) return sent;
  throw new Inconclusive(
    `needs ${count} unacknowledged messages in an inbox; this server accepts ${sent.length}`,
    ReasonCode.SERVER_LIMIT,
  );
}

const sortedIds = (messages: readonly { clientMessageId: string }[]) =>
  messages.map(({ clientMessageId }) => clientMessageId).sort();

/**
 * Expects a device to have received exactly these messages, each once, in any order, with consecutive seqs from
 * `firstSeq`.
 */
export function expectExactly(
  t: Context,
  received: readonly { seq: number; clientMessageId: string }[],
  firstSeq: number,
  sent: readonly SentMessage[],
  requirement: Parameters<Context["equal"]>[2],
): void {
  const wrong = received.findIndex(({ seq }, index) => seq !== firstSeq + index);
  const seqAt = (seq: number | undefined) => `seq of message ${wrong + 1} of those received: ${seq}`;
  t.that(
    wrong < 0,
    requirement,
    `the seqs of the messages received are not consecutive from ${firstSeq}`,
    seqAt(firstSeq + wrong),
    seqAt(received[wrong]?.seq),
  );
  t.that(
    received.length === sent.length,
    requirement,
    `${sent.length} messages were accepted, but ${received.length} were received`,
    `number of messages: ${sent.length}`,
    `number of messages: ${received.length}`,
  );
  const [got, wanted] = [sortedIds(received), sortedIds(sent)];
  const differs = wanted.findIndex((id, index) => id !== got[index]);
  const what = "the messages received are not the messages that were accepted";
  t.that(
    differs < 0,
    requirement,
    what,
    `message ${wanted[differs]}: received`,
    `message ${wanted[differs]}: in no page`,
  );
}
