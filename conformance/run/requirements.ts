import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  Outcome,
  type Report,
  type RequirementResult,
  RequirementResultSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { TAKES_LONG } from "../findings.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";

/** What a run says of each requirement that its cases check, or that a finding blames. In the specification's order. */
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

/** A requirement that nobody blames holds only if a case that checks it came to its end. */
function unblamed(checking: readonly CaseResult[]): Outcome {
  const outcomes = new Set(checking.map(({ outcome }) => outcome));
  if (outcomes.has(Outcome.ERROR)) return Outcome.ERROR;
  if (outcomes.has(Outcome.PASS)) return Outcome.PASS;
  // Its cases failed for another reason before they came to it, or could not be run.
  if (outcomes.has(Outcome.INCONCLUSIVE) || outcomes.has(Outcome.FAIL) || outcomes.has(Outcome.WARN))
    return Outcome.INCONCLUSIVE;
  return Outcome.NOT_APPLICABLE;
}

/** The verdict on the server: fail before inconclusive, and never a pass where a MUST could not be told. */
export function verdictOf({ cases, requirements, headline }: Report): Outcome {
  const outcomes = new Set(cases.map(({ outcome }) => outcome));
  if (outcomes.has(Outcome.FAIL)) return Outcome.FAIL;
  if (outcomes.has(Outcome.ERROR)) return Outcome.ERROR;
  if (headline !== "" || cases.length === 0) return Outcome.INCONCLUSIVE;
  if (cases.every(({ outcome }) => outcome === Outcome.NOT_APPLICABLE)) return Outcome.NOT_APPLICABLE;
  const openMust = requirements.some(({ level, outcome }) => level === "MUST" && outcome === Outcome.INCONCLUSIVE);
  // Slow cases that nobody has asked for leave nothing open, as long as others check the same.
  const openCase = cases.some(
    (it) =>
      it.outcome === Outcome.INCONCLUSIVE &&
      it.reason !== TAKES_LONG &&
      it.requirements.some((id) => REQUIREMENTS[id as RequirementId].level === "MUST"),
  );
  if (openMust || openCase) return Outcome.INCONCLUSIVE;
  // Where nothing was told, nothing is kept.
  if (!outcomes.has(Outcome.PASS) && !outcomes.has(Outcome.WARN)) return Outcome.INCONCLUSIVE;
  return outcomes.has(Outcome.WARN) ? Outcome.WARN : Outcome.PASS;
}
