import type { CaseResult } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { failureText } from "../report/formats/finding.js";

/** Makes the error of a case that did not pass. */
export function failureOf(result: CaseResult): Error {
  const error = new Error(failureText(result));
  // A stack trace would lead into the suite; the message has what the reader needs.
  error.stack = `Error: ${error.message}`;
  return error;
}
