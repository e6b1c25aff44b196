import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  Outcome,
  ReasonCode,
  type Report,
  type RequirementResult,
  RequirementResultSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";

/** Returns the result of each requirement that a case checks or a finding blames, in the order of the specification. */
export function judgeRequirements(cases: readonly CaseResult[]): RequirementResult[] {
  const blamed = new Set(cases.flatMap((it) => it.findings.map(({ requirement }) => requirement)));
  return (Object.keys(REQUIREMENTS) as RequirementId[]).flatMap((id) => {
    const checking = cases.filter((it) => it.requirements.includes(id));
    if (checking.length === 0 && !blamed.has(id)) return [];
    const { level } = REQUIREMENTS[id];
    const outcome = blamed.has(id) ? (level === "MUST" ? Outcome.FAIL : Outcome.WARN) : unblamed(checking);
    return [create(RequirementResultSchema, { id, level, outcome, cases: checking.map((it) => it.id) })];
  });
}

/** A requirement that no finding blames passes only if a case that checks it ran to its end. */
function unblamed(checking: readonly CaseResult[]): Outcome {
  const outcomes = new Set(checking.map(({ outcome }) => outcome));
  if (outcomes.has(Outcome.ERROR)) return Outcome.ERROR;
  if (outcomes.has(Outcome.PASS)) return Outcome.PASS;
  // Its cases were not run, or failed for another requirement before they reached this one.
  if (outcomes.has(Outcome.INCONCLUSIVE) || outcomes.has(Outcome.FAIL) || outcomes.has(Outcome.WARN))
    return Outcome.INCONCLUSIVE;
  return Outcome.NOT_APPLICABLE;
}

/**
 * Returns the verdict on the server: fail takes precedence over inconclusive, and an inconclusive MUST prevents a pass.
 */
export function verdictOf({ cases, requirements, headline }: Report): Outcome {
  const outcomes = new Set(cases.map(({ outcome }) => outcome));
  if (outcomes.has(Outcome.FAIL)) return Outcome.FAIL;
  if (outcomes.has(Outcome.ERROR)) return Outcome.ERROR;
  if (headline !== "" || cases.length === 0) return Outcome.INCONCLUSIVE;
  if (cases.every(({ outcome }) => outcome === Outcome.NOT_APPLICABLE)) return Outcome.NOT_APPLICABLE;
  // A thorough case that was not requested does not count: each MUST has other cases, at least in a run of all cases.
  const notRequested = new Set(cases.filter((it) => it.reasonCode === ReasonCode.THOROUGH).map(({ id }) => id));
  const hasInconclusiveMust = requirements.some(
    ({ level, outcome, cases: checking }) =>
      level === "MUST" && outcome === Outcome.INCONCLUSIVE && !checking.every((id) => notRequested.has(id)),
  );
  const hasInconclusiveCase = cases.some(
    (it) =>
      it.outcome === Outcome.INCONCLUSIVE &&
      it.reasonCode !== ReasonCode.THOROUGH &&
      it.requirements.some((id) => REQUIREMENTS[id as RequirementId].level === "MUST"),
  );
  if (hasInconclusiveMust || hasInconclusiveCase) return Outcome.INCONCLUSIVE;
  // Without any result there is nothing that could pass.
  if (!outcomes.has(Outcome.PASS) && !outcomes.has(Outcome.WARN)) return Outcome.INCONCLUSIVE;
  return outcomes.has(Outcome.WARN) ? Outcome.WARN : Outcome.PASS;
}
