import { newFinding } from "../findings.js";
import { type EventBody, noResponse, refused } from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import type { CallResult } from "./result.js";

type Malformed = Extract<CallResult<never>, { kind: "malformed" }>;

/** A call to record: its client, its endpoint, its event, and the event of its response. */
export interface RecordedCall<T> {
  client: string;
  endpoint: number;
  call: EventBody;
  toReturn: (value: T) => EventBody;
  /** Text to record if the outcome is indeterminate. Default: the reason in the result. */
  why?: string;
}

/**
 * Makes one attempt, and records it as an operation of its own: an attempt without a response may still take effect.
 * Returns the result with the operation's number.
 */
export async function recordAttempt<T>(
  recorder: Recorder,
  { client, endpoint, call, toReturn, why }: RecordedCall<T>,
  attempt: (op: bigint) => Promise<CallResult<T>>,
): Promise<CallResult<T> & { op: bigint }> {
  const op = recorder.call(client, endpoint, call);
  const result = await attempt(op);
  recorder.complete(op, outcome(result, toReturn, why));
  return { ...result, op };
}

function outcome<T>(result: CallResult<T>, toReturn: (value: T) => EventBody, why: string | undefined): EventBody {
  switch (result.kind) {
    case "response":
      return toReturn(result.value);
    case "refusal":
      return refused(result.refusal);
    default:
      return noResponse(why ?? result.why);
  }
}

/** The finding about a malformed response. */
export const malformedFinding = (
  recorder: Recorder,
  { requirement, why, op, ...values }: Malformed & { op: bigint },
) => {
  const { expected = "a response in the form that the HTTP binding requires", actual = why } = values;
  return newFinding({ requirement, message: why, expected, actual }, recorder.eventsOf(op));
};
