import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { evidenceOf } from "../model/evidence.js";
import { requirementOf, specLink } from "../model/requirement.js";
import { sequenceOf } from "../model/sequence.js";
import { byChapter, headlineOf, secondsOf } from "../model/summary.js";
import { drawArrows } from "./diagram.js";
import type { RenderOptions } from "./options.js";
import { type Element, xml } from "./xml.js";

const isFailed = ({ outcome, knownFailure }: CaseResult) => outcome === Outcome.FAIL && knownFailure === "";
const isError = ({ outcome }: CaseResult) => outcome === Outcome.ERROR;
const isSkipped = (it: CaseResult) =>
  !isFailed(it) && !isError(it) && it.outcome !== Outcome.PASS && it.outcome !== Outcome.WARN;

/**
 * A report in the JUnit XML that Jenkins defines and other CI systems read: a suite for each chapter. A broken MUST is a failure, a
 * fault of the suite itself an error; what is known, could not be told or does
 * not apply is skipped, with the reason. JUnit has no warnings:
 * a SHOULD that is not kept passes, and is told in the case's output.
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
  const [first] = it.findings;
  const message = first === undefined ? it.reason : `${first.requirement}: ${first.message}`;
  const story = findingsText(it, spec);
  if (it.knownFailure !== "") {
    const known = { message: `known failure: ${it.knownFailure}` };
    return [
      { name: "skipped", attributes: known },
      { name: "system-out", content: story },
    ];
  }
  switch (it.outcome) {
    case Outcome.FAIL:
      return [{ name: "failure", attributes: { message, type: first?.requirement ?? "" }, content: story }];
    case Outcome.ERROR:
      return [{ name: "error", attributes: { message, type: "harness" }, content: it.reason }];
    case Outcome.WARN:
      return [{ name: "system-out", content: `A SHOULD is not kept.\n${story}` }];
    case Outcome.PASS:
      return [];
    default:
      return [{ name: "skipped", attributes: { message: it.reason } }];
  }
}

/** What was found in a case, for people who have nothing but a log: each finding with its rule, and the exchanges that prove it. */
export function findingsText(it: CaseResult, spec?: string): string {
  const findings = it.findings.flatMap((finding) => {
    const { requirement, message, expected, actual } = finding;
    return [
      `${requirement} (${requirementOf(requirement).level}): ${message}`,
      `  the rule  ${requirementOf(requirement).sentence}`,
      `  expected  ${expected}`,
      `  actual    ${actual}`,
      `  see       ${specLink(requirement, spec)}`,
      ...drawArrows(sequenceOf(evidenceOf(finding, it), it.history).slice(-20), 96).map((line) => `    ${line}`),
      "",
    ];
  });
  return [...findings, `run it again with\n  ${it.reproduce}`].join("\n");
}
