import { rotateCall } from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import { recordAttempts } from "./record-attempts.js";
import type { AccountSource } from "./source.js";

/** Makes an inbox lose its data, and records each attempt as an operation: each may have taken effect. */
export const recordRotateEpoch = (
  recorder: Recorder,
  rotateEpoch: NonNullable<AccountSource["rotateEpoch"]>,
  userId: string,
): Promise<void> => recordAttempts(recorder, rotateCall(userId), (onAttempt) => rotateEpoch(userId, onAttempt));
