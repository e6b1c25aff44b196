import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  CaseResultSchema,
  FindingSchema,
  Outcome,
  type Report,
  ReportSchema,
} from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../../cases/catalogue.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { caseIdOf } from "../../run/case-run.js";
import { summarize } from "../../run/summarize.js";
import { REPORT_FORMAT } from "../../version.js";

/** A result for a case of the catalogue, with a finding for each blamed requirement. */
export function resultOf(id: string, outcome: Outcome, blamed: readonly RequirementId[] = []): CaseResult {
  const it = CATALOGUE.find((candidate) => candidate.id === caseIdOf(id));
  if (it === undefined) throw new Error(`no case ${id}`);
  return create(CaseResultSchema, {
    id,
    title: it.title,
    requirements: [...it.requirements],
    profile: "CORE",
    outcome,
    findings: blamed.map((requirement) => create(FindingSchema, { requirement, message: `not ${requirement}` })),
  });
}

/** A report with these results, summarized. */
export function reportOn(
  cases: CaseResult[],
  more: Partial<Pick<Report, "shard" | "headline" | "implementation">> = {},
) {
  const report = create(ReportSchema, { format: REPORT_FORMAT, suiteVersion: "1", specVersion: "1", cases, ...more });
  summarize(report);
  return report;
}

export { Outcome };
