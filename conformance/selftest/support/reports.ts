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
import { caseOf } from "../../run/known-failures.js";
import { summarize } from "../../run/summarize.js";
import { REPORT_FORMAT } from "../../version.js";

/** The result of a case of the catalogue; a failure blames these requirements. */
export function resultOf(id: string, outcome: Outcome, blamed: readonly RequirementId[] = []): CaseResult {
  const it = CATALOGUE.find((candidate) => candidate.id === caseOf(id));
  if (it === undefined) throw new Error(`there is no case ${id}`);
  return create(CaseResultSchema, {
    id,
    title: it.title,
    requirements: [...it.requirements],
    profile: "CORE",
    outcome,
    findings: blamed.map((requirement) => create(FindingSchema, { requirement, message: `not ${requirement}` })),
  });
}

/** A report on such results. */
export function reportOn(
  cases: CaseResult[],
  more: Partial<Pick<Report, "shard" | "headline" | "implementation">> = {},
) {
  const report = create(ReportSchema, { format: REPORT_FORMAT, suiteVersion: "1", specVersion: "1", cases, ...more });
  summarize(report);
  return report;
}

export { Outcome };
