import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  CountsSchema,
  Outcome,
  type Report,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { judgeRequirements, verdictOf } from "./requirements.js";

/** Computes the fields of a report that follow from its cases: counts, requirements and verdict. */
export function summarize(report: Report): void {
  report.counts = count(report.cases);
  report.requirements = judgeRequirements(report.cases);
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
