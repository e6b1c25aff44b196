import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { counted } from "./summary.js";

/** Sums up the known failures that no longer fail; empty if there are none. `list` names the list that they are in. */
export function staleKnownFailuresLine(
  { staleKnownFailures: stale }: Pick<Report, "staleKnownFailures">,
  list = "the list of known failures",
): string {
  if (stale.length === 0) return "";
  const [verb, object] = stale.length === 1 ? ["passes", "it"] : ["pass", "them"];
  return `${counted(stale.length, "known failure")} now ${verb}; remove ${object} from ${list}: ${stale.join(", ")}`;
}
