import { setTimeout as sleep } from "node:timers/promises";
import { sendCall } from "../history/events.js";
import { fingerprintKey } from "../history/fingerprint.js";
import type { Recorder } from "../history/recorder.js";
import type { CallResult } from "./result.js";

/** Number of times that the call and another one are tried in turn. */
const ROUNDS = 6;
const DELAY_MS = 20;

/**
 * Whether the server answers one call with a retryable error each time, while it serves another one of the same kind
 * each time. The call has been retried before, up to the last retry. A server that returns such errors at random, or to
 * each n-th call, or to all calls while it lacks something, also returns them to the other call, or not each time.
 */
export async function isNeverServed(
  call: () => Promise<CallResult<unknown>>,
  other: () => Promise<CallResult<unknown>>,
): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { kind } = await other();
    if (kind !== "response" && kind !== "refusal") return false;
    // Once or twice, so that the call is not the second one each time.
    for (let count = round % 2; count < 2; count += 1) if ((await call()).kind !== "retryable") return false;
    await sleep(DELAY_MS);
  }
  return true;
}

/** Whether a Send is a retry that must be recognised: of a Send that was accepted within the dedup window. */
export function isRetryOfAccepted(recorder: Recorder, args: Parameters<typeof sendCall>[0]): boolean {
  const { value: wanted } = sendCall(args) as Extract<ReturnType<typeof sendCall>, { case: "sendCall" }>;
  const ops = new Map<bigint, bigint>();
  let windowMicros: bigint | undefined;
  let firstAt: bigint | undefined;
  let isAccepted = false;
  for (const { op, atMicros, body } of recorder.events) {
    if (body.case === "header" && body.value.dedupWindow !== undefined)
      windowMicros = body.value.dedupWindow.seconds * 1_000_000n;
    // The record may be lost with the message.
    if (body.case === "rotateCall" || body.case === "restartCall") isAccepted = false;
    if (body.case === "sendReturn" && ops.has(op)) {
      isAccepted = true;
      firstAt ??= ops.get(op);
    }
    if (body.case !== "sendCall") continue;
    const { senderId, recipientId, clientMessageId, payload } = body.value;
    const isSame =
      senderId === wanted.senderId &&
      recipientId === wanted.recipientId &&
      clientMessageId === wanted.clientMessageId &&
      payload?.size === wanted.payload?.size &&
      fingerprintKey(payload) === fingerprintKey(wanted.payload);
    if (isSame) ops.set(op, atMicros);
  }
  if (!isAccepted || firstAt === undefined) return false;
  return windowMicros === undefined || recorder.now() - firstAt < windowMicros;
}
