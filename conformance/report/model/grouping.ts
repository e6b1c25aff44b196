import type { CaseResult, Finding } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "./group-by.js";
import { requirementOf } from "./requirement.js";

/** A finding, and the case that it was made in. */
export interface FindingInCase {
  case: CaseResult;
  finding: Finding;
  /** Its place among the case's findings; 0 is what showed first. */
  index: number;
}

/** All that blames one requirement. */
export interface RequirementGroup {
  requirement: string;
  /** What shows it best comes first. */
  found: FindingInCase[];
}

/**
 * Findings by the requirement that they blame. First come those that are a case's first finding most often: what follows from
 * another fault is seldom what shows first.
 */
export function groupByRequirement(cases: readonly CaseResult[]): RequirementGroup[] {
  const all = cases.flatMap((it) => it.findings.map((finding, index): FindingInCase => ({ case: it, finding, index })));
  const groups = [...groupBy(all, ({ finding }) => finding.requirement)].map(([requirement, found]) => ({
    requirement,
    found: found.sort(byClarity),
    first: found.filter(({ index }) => index === 0).length,
  }));
  const weight = ({ requirement }: RequirementGroup) => (requirementOf(requirement).level === "MUST" ? 0 : 1);
  return groups.sort((a, b) => weight(a) - weight(b) || b.first - a.first || b.found.length - a.found.length);
}

/** A case is clearest if it shows this first, is named for it, and needs little to show it. */
function byClarity(a: FindingInCase, b: FindingInCase): number {
  const named = ({ case: it, finding }: FindingInCase) => (it.requirements[0] === finding.requirement ? 0 : 1);
  const proof = ({ finding }: FindingInCase) => finding.evidence.length || 1000;
  return Math.min(a.index, 1) - Math.min(b.index, 1) || named(a) - named(b) || proof(a) - proof(b);
}
