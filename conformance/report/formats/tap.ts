import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../../printable.js";
import { viewFinding } from "../model/finding.js";
import { staleKnownFailuresLine } from "../model/known-failures.js";
import { notCheckedLines } from "../model/not-checked.js";
import { headlineOf, secondsOf } from "../model/summary.js";
import type { RenderOptions } from "./options.js";

/**
 * A report in version 14 of the Test Anything Protocol. Cases that are inconclusive or not applicable are SKIP, with
 * the reason. Known failures and violations of a SHOULD are TODO, which TAP does not count as failures.
 */
export function tapReport(report: Report, { spec }: RenderOptions = {}): string {
  const comments = [headlineOf(report), staleKnownFailuresLine(report), ...notCheckedLines(report)]
    .filter((line) => line !== "")
    .map((line) => `# ${printable(line)}`);
  const lines = ["TAP version 14", ...comments, `1..${report.cases.length}`];
  for (const [index, it] of report.cases.entries()) lines.push(...point(index + 1, it, spec));
  return `${lines.join("\n")}\n`;
}

function point(number: number, it: CaseResult, spec: string | undefined): string[] {
  const line = (word: "ok" | "not ok", directive = "") =>
    `${word} ${number} - ${tapText(it.id)}${directive === "" ? "" : ` # ${directive}`}`;
  switch (it.outcome) {
    case Outcome.PASS:
      return [line("ok")];
    case Outcome.FAIL:
      return [line("not ok", it.knownFailure && `TODO ${tapText(it.knownFailure)}`), ...diagnosis(it, spec)];
    case Outcome.WARN:
      return [line("not ok", "TODO a SHOULD is violated"), ...diagnosis(it, spec)];
    case Outcome.ERROR:
      return [line("not ok"), ...yaml({ message: it.reason })];
    default:
      return [line("ok", `SKIP ${tapText(it.reason || "not run")}`)];
  }
}

function diagnosis(it: CaseResult, spec: string | undefined): string[] {
  const [first] = it.findings;
  if (first === undefined) return [];
  const { requirement, level, outcome, sentence, link } = viewFinding(first, { spec });
  return yaml({
    message: first.message,
    severity: outcome === Outcome.FAIL ? "fail" : "todo",
    requirement,
    level,
    sentence,
    link,
    expected: first.expected,
    actual: first.actual,
    duration_ms: String(Math.round(secondsOf(it.duration) * 1000)),
    reproduce: it.reproduce,
  });
}

/** A diagnostic. JSON strings are valid YAML, and nothing in them can end the block. */
function yaml(values: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(values).map(([key, value]) => `  ${key}: ${JSON.stringify(printable(value))}`);
  return ["  ---", ...entries, "  ..."];
}

/** Text of a description or a directive. A hash would start a directive. */
const tapText = (text: string) => printable(text).replaceAll(/[\\#]/g, "\\$&");
