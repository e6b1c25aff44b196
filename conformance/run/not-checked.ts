import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  type NotChecked,
  NotCheckedSchema,
  Outcome,
  ReasonCode,
  type Report,
  type RequirementResult,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "../report/model/group-by.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";
import { isCheckable, UNCHECKED } from "../requirements/unchecked.js";

/** Why a requirement was not checked. */
type Reason = Pick<NotChecked, "reason" | "reasonCode">;

/** The reason for requirements of which the report has no case. */
const notSelected = ({ shard }: Report): Reason => ({
  reason: shard === "" ? "not selected for this run" : `not in the part ${shard} of this run`,
  reasonCode: ReasonCode.NOT_SELECTED,
});

const OTHER_VIOLATION: Reason = {
  reason: "the cases that check it found another violation first",
  reasonCode: ReasonCode.OTHER_VIOLATION,
};

/**
 * Lists the requirements about which the cases of a report say nothing, by reason: the MUSTs and SHOULDs of CORE and of
 * the profiles that the server declares, for which no case ended with a verdict. `absent` is the reason for the
 * requirements of which the report has no case at all.
 */
export function notChecked(report: Report, absent: Reason = notSelected(report)): NotChecked[] {
  const results = new Map(report.requirements.map((it) => [it.id, it]));
  const cases = new Map(report.cases.map((it) => [it.id, it]));
  const open = (Object.keys(REQUIREMENTS) as RequirementId[]).flatMap((id) => {
    const { level, profile } = REQUIREMENTS[id];
    if (level === "MAY" || !isCheckable(profile)) return [];
    if (profile !== "CORE" && !report.profiles.includes(profile)) return [];
    const reason = reasonOf(id, results.get(id), cases, absent);
    return reason === undefined ? [] : [{ id, reason }];
  });
  const groups = groupBy(open, ({ reason }) => `${reason.reasonCode} ${reason.reason}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const requirements = group.map(({ id }) => id);
    return first === undefined ? [] : [create(NotCheckedSchema, { ...first.reason, requirements })];
  });
}

/** Returns why a requirement was not checked; undefined if it was, or if it does not apply to this server. */
function reasonOf(
  id: RequirementId,
  result: RequirementResult | undefined,
  cases: ReadonlyMap<string, CaseResult>,
  absent: Reason,
): Reason | undefined {
  if (result === undefined) {
    const why = UNCHECKED[id];
    return why === undefined ? absent : { reason: why, reasonCode: ReasonCode.NO_CASE };
  }
  const { outcome } = result;
  if (outcome !== Outcome.INCONCLUSIVE && outcome !== Outcome.NOT_APPLICABLE) return undefined;
  // A case about another profile does not apply to the server. Every other reason can be removed.
  const open = result.cases
    .flatMap((it) => cases.get(it) ?? [])
    .filter((it) => it.reason !== "" && it.reasonCode !== ReasonCode.PROFILE);
  const [first] = open.sort((a, b) => a.reasonCode - b.reasonCode);
  if (first !== undefined) return { reason: first.reason, reasonCode: first.reasonCode };
  return outcome === Outcome.INCONCLUSIVE ? OTHER_VIOLATION : undefined;
}
