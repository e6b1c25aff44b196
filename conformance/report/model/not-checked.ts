import { ReasonCode, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { requirementOf } from "./requirement.js";

/** Number of requirements to name where most of them are left out on purpose, such as with --only. */
const MAX_NOT_SELECTED = 6;

/** The MUSTs that were not checked. */
export const mustsNotChecked = ({ notChecked }: Report): string[] =>
  notChecked.flatMap(({ requirements }) => requirements).filter((id) => requirementOf(id).level === "MUST");

/**
 * A line for each reason why requirements were not checked, such as "not checked: DUR-NEW-EPOCH (needs
 * --restart-command)". With `brief`, only the first of those that were not selected are named.
 */
export function notCheckedLines({ notChecked }: Report, { brief = false } = {}): string[] {
  return notChecked.map(({ requirements, reason, reasonCode }) => {
    const most = brief && reasonCode === ReasonCode.NOT_SELECTED ? MAX_NOT_SELECTED : requirements.length;
    const rest = requirements.length - most;
    const more = rest > 0 ? ` and ${rest} more` : "";
    return `not checked: ${requirements.slice(0, most).join(", ")}${more} (${reason})`;
  });
}
