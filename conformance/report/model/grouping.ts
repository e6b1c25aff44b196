import type { CaseResult, Finding } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "./group-by.js";
import { requirementOf } from "./requirement.js";

/** A finding and its case. */
export interface FindingInCase {
  case: CaseResult;
  finding: Finding;
  /** Index among the findings of the case; 0 is the first one. */
  index: number;
}

/** The findings that blame one requirement. */
export interface RequirementGroup {
  requirement: string;
  /** The clearest finding first. */
  findings: FindingInCase[];
}

/**
 * Groups findings by the requirement that they blame: MUSTs first, then by how often the requirement is the first
 * finding of a case, because a consequence of another violation rarely shows first.
 */
export function groupByRequirement(cases: readonly CaseResult[]): RequirementGroup[] {
  const all = cases.flatMap((it) => it.findings.map((finding, index): FindingInCase => ({ case: it, finding, index })));
  const groups = [...groupBy(all, ({ finding }) => finding.requirement)].map(([requirement, findings]) => ({
    requirement,
    findings: findings.sort(byClarity),
    first: findings.filter(({ index }) => index === 0).length,
  }));
  const rank = ({ requirement }: RequirementGroup) => (requirementOf(requirement).level === "MUST" ? 0 : 1);
  return groups.sort((a, b) => rank(a) - rank(b) || b.first - a.first || b.findings.length - a.findings.length);
}

/** Prefers the first finding of a case, then a case about the requirement, then the shortest evidence. */
function byClarity(a: FindingInCase, b: FindingInCase): number {
  const about = ({ case: it, finding }: FindingInCase) => (it.requirements[0] === finding.requirement ? 0 : 1);
  const events = ({ finding }: FindingInCase) => finding.evidence.length || 1000;
  return Math.min(a.index, 1) - Math.min(b.index, 1) || about(a) - about(b) || events(a) - events(b);
}
