import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Inconclusive } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { describeRefusal } from "../rpc/connect.js";
import { bytes, type SentMessage, type TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** Number of calls at once: as many as a slow server answers in seconds. */
const AT_ONCE = 32;

/** Calls `act` for each item, for some items at once, in their order. Ends early once `act` has returned false. */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  act: (item: T) => Promise<unknown>,
  atOnce = AT_ONCE,
): Promise<void> {
  const left = items[Symbol.iterator]();
  let isOver = false;
  const work = async () => {
    for (let next = left.next(); !next.done && !isOver; next = left.next())
      if ((await act(next.value)) === false) isOver = true;
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** A message to send. */
export interface Outgoing {
  from: TestAccount;
  to: TestAccount;
  /** The client_message_id. */
  id: string;
  payload: Uint8Array | string;
}

/** A message of a volume that was accepted. */
export interface VolumeMessage extends SentMessage {
  from: TestAccount;
  to: TestAccount;
}

/**
 * Sends messages, some at once. Returns those that were accepted, in no particular order: not all of them if an inbox is
 * full.
 */
export async function sendVolume(t: Context, outgoing: Iterable<Outgoing>): Promise<VolumeMessage[]> {
  const sent: VolumeMessage[] = [];
  await forEachAtOnce(outgoing, async ({ from, to, id, payload }) => {
    const result = await from.trySend(to, payload, { id });
    if (result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL) return false;
    if (result.kind === "refusal" && sent.length > 0) await expectReasonOfBacklog(t, { from, to, id, payload });
    const { acceptedAt } = t.accepted(result, "SEND-ACCEPT");
    sent.push({ from, to, clientMessageId: id, payload: bytes(payload), acceptedAt });
    return true;
  });
  return sent;
}

/**
 * Finds out whether a Send that was refused without a reason for it, while many messages are pending, is accepted once
 * they are acknowledged: then the inbox was full, and the refusal had to say so.
 */
async function expectReasonOfBacklog(t: Context, { from, to, id, payload }: Outgoing): Promise<void> {
  const again = await from.trySend(to, payload, { id });
  if (again.kind !== "refusal" || again.refusal.reason === Reason.BACKLOG_FULL) return;
  await to.device("phone").drain();
  const afterwards = await from.trySend(to, payload, { id });
  if (afterwards.kind === "response")
    t.fail(
      "SEND-BACKLOG",
      "a Send to an inbox with many pending messages is refused, until they are acknowledged, for another reason",
      "resource_exhausted with the reason BACKLOG_FULL",
      describeRefusal(again.refusal),
    );
}

/**
 * Sends messages in any number: calls `makeRoom`, which acknowledges the messages so far, after each `atMost` messages
 * and whenever an inbox is full. Returns those that were accepted: not all of them if the time is over, or if there is
 * no room even so.
 */
export async function sendWithAcks(
  t: Context,
  outgoing: readonly Outgoing[],
  makeRoom: () => Promise<unknown>,
  { atMost = outgoing.length, isOver = () => false }: { atMost?: number; isOver?: () => boolean } = {},
): Promise<VolumeMessage[]> {
  const sent: VolumeMessage[] = [];
  for (let left = outgoing; left.length > 0 && !isOver(); ) {
    const some = await sendVolume(t, left.slice(0, atMost));
    await makeRoom();
    if (some.length === 0) break;
    sent.push(...some);
    const accepted = new Set(some.map(({ from, clientMessageId }) => `${from.userId} ${clientMessageId}`));
    left = left.filter(({ from, id }) => !accepted.has(`${from.userId} ${id}`));
  }
  return sent;
}

/** Returns `count` messages from one account to another. */
export const messagesTo = (t: Context, from: TestAccount, to: TestAccount, count: number): Outgoing[] =>
  Array.from({ length: count }, (_, n) => ({ from, to, id: t.newId(), payload: t.filler(`message ${n + 1}`) }));

/** Ends the case as inconclusive if the server allows less than the case is about. `what` is in the plural. */
export function requireAtLeast(minimum: number, count: number, what: string): void {
  if (count < minimum)
    throw new Inconclusive(`needs ${minimum} ${what}, and this server allowed ${count}`, ReasonCode.SERVER_LIMIT);
}

/** Expects a page to begin with this seq and not to be empty. The judge checks the rest of it. */
export function expectStart(
  t: Context,
  { messages }: SyncResponse,
  firstSeq: number,
  requirement: RequirementId,
  violation: string,
): void {
  const [first] = messages;
  const actual = first === undefined ? "none" : `seq ${first.seq}`;
  t.that(first?.seq === firstSeq, requirement, violation, `first message: seq ${firstSeq}`, `first message: ${actual}`);
}
