import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../findings.js";
import { bytes, type Sent } from "./account.js";
import type { Context } from "./context.js";
import { expectReasonOfFullInbox } from "./full-inbox.js";

/** How many Sends are under way at the same time while a backlog is made. */
const AT_ONCE = 100;

export interface Backlog {
  /** What was accepted, in no order that means anything. */
  sent: Sent[];
  /** The first that was refused since the inbox takes no more; undefined if all were accepted. */
  refused: Sent | undefined;
}

/** Has alice send bob `count` messages, many at a time, until the inbox takes no more. */
export async function tryFillBacklog(
  t: Context,
  count: number,
  payload: Uint8Array | string = "hello",
): Promise<Backlog> {
  const sent: Sent[] = [];
  for (let left = count; left > 0; left -= AT_ONCE) {
    const batch = Array.from({ length: Math.min(left, AT_ONCE) }, () => ({
      clientMessageId: t.newId(),
      payload: bytes(payload),
    }));
    const sends = batch.map(({ clientMessageId: id }) => t.alice.trySend(t.bob, payload, { id }));
    const answers = await expectReasonOfFullInbox(t, t.bob, sends, "SEND-BACKLOG", Reason.BACKLOG_FULL);
    let refused: Sent | undefined;
    for (const [index, message] of batch.entries()) {
      const answered = answers[index];
      if (answered?.kind === "response") sent.push({ ...message, acceptedAt: answered.value.acceptedAt });
      else if (answered?.kind === "refusal" && answered.refusal.reason === Reason.BACKLOG_FULL) {
        t.refused(answered, Reason.BACKLOG_FULL, "SEND-BACKLOG", "a Send to a full inbox");
        refused ??= { ...message, acceptedAt: undefined };
      } else if (answered !== undefined) t.accepted(answered, "SEND-ACCEPT");
    }
    if (refused !== undefined) return { sent, refused };
  }
  return { sent, refused: undefined };
}

/** Has alice send bob exactly `count` messages; inconclusive where the inbox does not hold as many. */
export async function fillBacklog(t: Context, count: number, payload: Uint8Array | string = "hello"): Promise<Sent[]> {
  const { sent, refused } = await tryFillBacklog(t, count, payload);
  if (refused === undefined) return sent;
  throw new Inconclusive(`needs ${count} unacknowledged messages in an inbox; this server takes ${sent.length}`);
}

const sorted = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();

/** Expects what a device got to be these messages and no others, each once, with the seqs from `firstSeq` on. */
export function expectExactly(
  t: Context,
  got: readonly { seq: number; clientMessageId: string }[],
  firstSeq: number,
  sent: readonly Sent[],
  requirement: Parameters<Context["equal"]>[2],
): void {
  const out = got.findIndex(({ seq }, index) => seq !== firstSeq + index);
  const at = out < 0 ? "" : `${got[out]?.seq} at place ${out + 1}`;
  t.equal(at, "", requirement, `what came does not have the seqs from ${firstSeq} on, each once`);
  t.equal(got.length, sent.length, requirement, "not as many messages came as were sent");
  t.equal(sorted(got), sorted(sent), requirement, "what came is not what was sent");
}
