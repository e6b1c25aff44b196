import type { CaseResult, Finding } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS, type RequirementId } from "../registry/requirements.js";

/** All that blames one requirement. */
export interface Blamed {
  requirement: RequirementId;
  findings: { caseId: string; finding: Finding }[];
}

/**
 * Findings by the requirement that they blame. First come those that are a case's first finding most often: what follows from
 * another fault is seldom what shows first.
 */
export function groupByRequirement(cases: readonly CaseResult[]): Blamed[] {
  const groups = new Map<RequirementId, Blamed & { first: number }>();
  for (const { id: caseId, findings } of cases) {
    for (const [index, finding] of findings.entries()) {
      const requirement = finding.requirement as RequirementId;
      const group = groups.get(requirement) ?? { requirement, findings: [], first: 0 };
      group.findings.push({ caseId, finding });
      if (index === 0) group.first += 1;
      groups.set(requirement, group);
    }
  }
  const must = ({ requirement }: Blamed) => (REQUIREMENTS[requirement].level === "MUST" ? 0 : 1);
  return [...groups.values()].sort(
    (a, b) => must(a) - must(b) || b.first - a.first || b.findings.length - a.findings.length,
  );
}
