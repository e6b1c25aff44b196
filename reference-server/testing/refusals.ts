import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal } from "../errors.js";

/** Returns the refusal that an action throws. Throws if there is none. */
export function refusal(action: () => unknown): Refusal {
  let result: unknown;
  try {
    result = action();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`not refused; the result is ${String(result)}`);
}

/** Returns code and reason of that refusal, such as "out_of_range CLI_SEQ_AHEAD". */
export function refused(action: () => unknown): string {
  return codeAndReason(refusal(action));
}

/** The code, and the reason if there is one. */
export function codeAndReason({ code, detail }: Refusal): string {
  return detail === undefined ? code : `${code} ${Reason[detail.reason]}`;
}
