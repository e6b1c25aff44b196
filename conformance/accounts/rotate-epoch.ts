import { done, noResponse, rotateCall } from "../history/events.js";
import { type Recorder, SUITE } from "../history/recorder.js";
import type { AccountSource } from "./source.js";

/** Makes an inbox lose its data, and records each attempt as an operation: each may have taken effect. */
export async function recordRotateEpoch(
  recorder: Recorder,
  rotateEpoch: NonNullable<AccountSource["rotateEpoch"]>,
  userId: string,
): Promise<void> {
  const call = () => recorder.call(SUITE, 0, rotateCall(userId));
  let op = call();
  let attempts = 0;
  try {
    await rotateEpoch(userId, () => {
      attempts += 1;
      if (attempts === 1) return;
      recorder.complete(op, noResponse("the call was retried"));
      op = call();
    });
  } catch (error) {
    recorder.complete(op, noResponse("the call failed"));
    throw error;
  }
  recorder.complete(op, done());
}
