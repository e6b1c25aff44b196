import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { explain } from "../model/finding.js";
import { staleKnownFailuresLine } from "../model/known-failures.js";
import { notCheckedLines } from "../model/not-checked.js";
import { byChapter, headlineOf, secondsOf } from "../model/summary.js";
import { failureText } from "./finding.js";
import type { RenderOptions } from "./options.js";
import { type Element, xml } from "./xml.js";

const isFailed = ({ outcome, knownFailure }: CaseResult) => outcome === Outcome.FAIL && knownFailure === "";
const isError = ({ outcome }: CaseResult) => outcome === Outcome.ERROR;
const isSkipped = (it: CaseResult) =>
  !isFailed(it) && !isError(it) && it.outcome !== Outcome.PASS && it.outcome !== Outcome.WARN;

/**
 * A report in the JUnit XML of Jenkins, which other CI systems read too, with a test suite for each chapter. A violated
 * MUST is a failure; a failure of the suite itself is an error. Cases that are a known failure, inconclusive or not
 * applicable are skipped, with the reason. JUnit has no warnings: a case that violates a SHOULD passes, and its output
 * has the findings.
 */
export function junitReport(report: Report, { spec }: RenderOptions = {}): string {
  const suites = byChapter(report.cases).map(
    ([chapter, cases]): Element => ({
      name: "testsuite",
      attributes: {
        name: chapter,
        ...countsOf(cases),
        skipped: cases.filter(isSkipped).length,
        ...(report.startedAt
          ? {
              timestamp: timestampDate(report.startedAt)
                .toISOString()
                .replace(/\.\d+Z$/, ""),
            }
          : {}),
      },
      content: [{ name: "properties", content: properties(report) }, ...cases.map((it) => testCase(it, spec))],
    }),
  );
  return xml({ name: "testsuites", attributes: { name: "seqsync", ...countsOf(report.cases) }, content: suites });
}

const countsOf = (cases: readonly CaseResult[]) => ({
  tests: cases.length,
  failures: cases.filter(isFailed).length,
  errors: cases.filter(isError).length,
  time: cases.reduce((sum, it) => sum + secondsOf(it.duration), 0).toFixed(3),
});

function properties(report: Report): Element[] {
  const values = {
    verdict: headlineOf(report),
    stale_known_failures: staleKnownFailuresLine(report),
    not_checked: notCheckedLines(report).join("; "),
    targets: report.targets.join(" "),
    implementation: report.implementation,
    spec_version: report.specVersion,
    profiles: report.profiles.join(" "),
    seed: String(report.seed),
    suite_version: report.suiteVersion,
  };
  return Object.entries(values).map(([name, value]) => ({ name: "property", attributes: { name, value } }));
}

function testCase(it: CaseResult, spec: string | undefined): Element {
  const [chapter = "", ...rest] = it.id.split("/");
  return {
    name: "testcase",
    attributes: {
      name: rest.length === 0 ? chapter : rest.join("/"),
      classname: `seqsync.${chapter}`,
      time: secondsOf(it.duration).toFixed(3),
    },
    content: result(it, spec),
  };
}

function result(it: CaseResult, spec: string | undefined): Element[] {
  const message = explain(it);
  const text = failureText(it, { spec });
  if (it.knownFailure !== "") {
    return [
      { name: "skipped", attributes: { message: `known failure: ${it.knownFailure}` } },
      { name: "system-out", content: text },
    ];
  }
  switch (it.outcome) {
    case Outcome.FAIL:
      return [{ name: "failure", attributes: { message, type: it.findings[0]?.requirement ?? "" }, content: text }];
    case Outcome.ERROR:
      return [{ name: "error", attributes: { message, type: "suite" }, content: it.reason }];
    case Outcome.WARN:
      return [{ name: "system-out", content: text }];
    case Outcome.PASS:
      return [];
    default:
      return [{ name: "skipped", attributes: { message: it.reason } }];
  }
}
