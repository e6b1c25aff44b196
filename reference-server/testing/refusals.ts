import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal } from "../errors.js";

/** The refusal that an action ends with. Throws if it ends in any other way. */
export function refusal(action: () => unknown): Refusal {
  let answer: unknown;
  try {
    answer = action();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`not refused, but answered ${String(answer)}`);
}

/** The same in short, to be compared: "out_of_range CLI_SEQ_AHEAD". */
export function refused(action: () => unknown): string {
  return inShort(refusal(action));
}

/** The code and the reason, if it has one. */
export function inShort({ code, detail }: Refusal): string {
  return detail === undefined ? code : `${code} ${Reason[detail.reason]}`;
}
