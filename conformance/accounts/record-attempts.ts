import { done, type EventBody, noResponse } from "../history/events.js";
import { type Recorder, SUITE } from "../history/recorder.js";

/** Makes a call of a fixture, and records each attempt as an operation: each may have taken effect. */
export async function recordAttempts(
  recorder: Recorder,
  body: EventBody,
  call: (onAttempt: () => void) => Promise<void>,
): Promise<void> {
  const begin = () => recorder.call(SUITE, 0, body);
  let op = begin();
  let attempts = 0;
  try {
    await call(() => {
      attempts += 1;
      if (attempts === 1) return;
      recorder.complete(op, noResponse("the call was retried"));
      op = begin();
    });
  } catch (error) {
    recorder.complete(op, noResponse("the call failed"));
    throw error;
  }
  recorder.complete(op, done());
}
