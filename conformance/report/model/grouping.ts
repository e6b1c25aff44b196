import { type CaseResult, type Finding, Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { caseIdOf } from "../../harness/case.js";
import { groupBy } from "./group-by.js";
import { byExplanation, isExplainedBy, type RequirementEvidence } from "./ranking.js";
import { requirementOf } from "./requirement.js";

/** A finding and its case. */
export interface FindingInCase {
  case: CaseResult;
  finding: Finding;
  /** Index among the findings of the case; 0 is the first one. */
  index: number;
  /** Whether the finding explains the failure of its case best. */
  isMain: boolean;
}

/** The findings that blame one requirement. */
export interface RequirementGroup {
  requirement: string;
  /** The clearest finding first. */
  findings: FindingInCase[];
}

/** Groups findings by the requirement that they blame. The requirement that explains the others best comes first. */
export function groupByRequirement(cases: readonly CaseResult[]): RequirementGroup[] {
  const all = cases.flatMap((it) => {
    const main = mainRequirement([it]);
    return it.findings.map(
      (finding, index): FindingInCase => ({ case: it, finding, index, isMain: finding.requirement === main }),
    );
  });
  const groups = groupBy(all, ({ finding }) => finding.requirement);
  return byExplanation(evidenceFor(cases)).map((requirement) => ({
    requirement,
    findings: (groups.get(requirement) ?? []).sort(byClarity),
  }));
}

/** Prefers the finding that explains its case, then a case about the requirement, then the shortest evidence. */
function byClarity(a: FindingInCase, b: FindingInCase): number {
  const about = ({ case: it, finding }: FindingInCase) => (it.requirements[0] === finding.requirement ? 0 : 1);
  // Of a case, the number of exchanges up to the deciding one counts too: few of them are easier to follow.
  const events = ({ finding }: FindingInCase) => (finding.evidence.length || 1000) + finding.exchange;
  return (
    Number(b.isMain) - Number(a.isMain) ||
    about(a) - about(b) ||
    Math.min(a.index, 1) - Math.min(b.index, 1) ||
    events(a) - events(b)
  );
}

/** Puts the findings first that explain best why their case failed. The other findings keep their order. */
export function rootCauseFirst<T extends Pick<Finding, "requirement">>(
  findings: readonly T[],
  requirements: readonly string[],
): T[] {
  const main = mainOf(
    findings.map(({ requirement }) => requirement),
    requirements,
  );
  const isMain = ({ requirement }: T) => Number(requirement === main);
  return [...findings].sort((a, b) => isMain(b) - isMain(a));
}

const mainRequirement = (results: readonly CaseResult[]) =>
  mainOf(
    results.flatMap(({ findings }) => findings.map(({ requirement }) => requirement)),
    results[0]?.requirements ?? [],
  );

/**
 * The requirement that explains best why a case failed: one that the case is about, because a case tests it in
 * isolation; otherwise the first one that was found.
 */
function mainOf(blamed: readonly string[], requirements: readonly string[]): string | undefined {
  const own = blamed.filter((id) => requirements.includes(id));
  const first = own[0] ?? blamed[0];
  return own.find((id) => first !== undefined && isExplainedBy(first, id)) ?? first;
}

/** Counts for each blamed requirement the cases that speak for it and against it. A case counts once for all codecs. */
function evidenceFor(results: readonly CaseResult[]): RequirementEvidence[] {
  const cases = [...groupBy(results, ({ id }) => caseIdOf(id)).values()].map((own) => ({
    requirements: own[0]?.requirements ?? [],
    blamed: new Set(own.flatMap(({ findings }) => findings.map(({ requirement }) => requirement))),
    main: mainRequirement(own),
    hasRun: own.some(({ findings, outcome }) => findings.length > 0 || outcome === Outcome.PASS),
  }));
  const blamed = new Set(cases.flatMap((it) => [...it.blamed]));
  return [...blamed].map((id) => ({
    id,
    level: requirementOf(id).level,
    ownCases: cases.filter(({ main, requirements }) => main === id && requirements.includes(id)).length,
    otherCases: cases.filter(({ main, requirements }) => main === id && !requirements.includes(id)).length,
    heldIn: cases.filter((it) => it.hasRun && it.requirements.includes(id) && !it.blamed.has(id)).length,
    blamedIn: cases.filter((it) => it.blamed.has(id)).length,
    runs: results.filter(({ findings }) => findings.some(({ requirement }) => requirement === id)).length,
  }));
}
