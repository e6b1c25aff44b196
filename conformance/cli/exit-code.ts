import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { isUnexpected } from "../run/known-failures.js";
import { verdictOf } from "../run/requirements.js";
import { EXIT } from "./usage.js";

/** What a report means for a build. Known failures do not fail it, stale ones do. */
export function exitCodeOf(report: Report): number {
  if (report.cases.some(isUnexpected) || report.staleKnownFailures.length > 0) return EXIT.violation;
  switch (report.verdict) {
    case Outcome.PASS:
    case Outcome.WARN:
      return EXIT.ok;
    case Outcome.FAIL:
      return besides(report);
    default:
      return EXIT.inconclusive;
  }
}

/** What is left to say where all failures are known: whether the rest could be told. */
function besides(report: Report): number {
  const cases = report.cases.filter(({ outcome }) => outcome !== Outcome.FAIL);
  if (cases.length === 0 && report.headline === "") return EXIT.ok;
  const requirements = report.requirements.filter(({ outcome }) => outcome !== Outcome.INCONCLUSIVE);
  const rest = verdictOf({ ...report, cases, requirements });
  return rest === Outcome.PASS || rest === Outcome.WARN || rest === Outcome.NOT_APPLICABLE
    ? EXIT.ok
    : EXIT.inconclusive;
}
