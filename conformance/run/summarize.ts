import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  CountsSchema,
  type NotChecked,
  Outcome,
  type Report,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { notChecked } from "./not-checked.js";
import { judgeRequirements, verdictOf } from "./requirements.js";

/**
 * Computes the fields of a report that follow from its cases: counts, requirements, what was not checked, and the
 * verdict. `absent` is the reason for requirements without any case; default: they were not selected.
 */
export function summarize(report: Report, absent?: Pick<NotChecked, "reason" | "reasonCode">): void {
  report.counts = count(report.cases);
  report.requirements = judgeRequirements(report.cases);
  report.notChecked = notChecked(report, absent);
  report.verdict = verdictOf(report);
}

function count(cases: readonly CaseResult[]) {
  const of = (outcome: Outcome) => cases.filter((it) => it.outcome === outcome).length;
  return create(CountsSchema, {
    pass: of(Outcome.PASS),
    fail: of(Outcome.FAIL),
    warn: of(Outcome.WARN),
    notApplicable: of(Outcome.NOT_APPLICABLE),
    inconclusive: of(Outcome.INCONCLUSIVE),
    error: of(Outcome.ERROR),
  });
}
