import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { requirementOf, specLink } from "../model/requirement.js";
import { headlineOf, secondsOf } from "../model/summary.js";
import type { RenderOptions } from "./options.js";
import { plain } from "./text.js";

/**
 * A report in version 14 of the Test Anything Protocol. What could not be told or does not apply is skipped, with the reason; a
 * failure that is known, and a SHOULD that is not kept, do not count, which TAP marks with TODO.
 */
export function tapReport(report: Report, { spec }: RenderOptions = {}): string {
  const lines = ["TAP version 14", `# ${plain(headlineOf(report))}`, `1..${report.cases.length}`];
  for (const [index, it] of report.cases.entries()) lines.push(...point(index + 1, it, spec));
  return `${lines.join("\n")}\n`;
}

function point(number: number, it: CaseResult, spec: string | undefined): string[] {
  const line = (word: "ok" | "not ok", directive = "") =>
    `${word} ${number} - ${escaped(it.id)}${directive === "" ? "" : ` # ${directive}`}`;
  switch (it.outcome) {
    case Outcome.PASS:
      return [line("ok")];
    case Outcome.FAIL:
      return [line("not ok", it.knownFailure && `TODO ${escaped(it.knownFailure)}`), ...diagnosis(it, spec)];
    case Outcome.WARN:
      return [line("not ok", "TODO a SHOULD is not kept"), ...diagnosis(it, spec)];
    case Outcome.ERROR:
      return [line("not ok"), ...yaml({ message: "the suite itself went wrong", reason: it.reason })];
    default:
      return [line("ok", `SKIP ${escaped(it.reason || "did not run")}`)];
  }
}

function diagnosis(it: CaseResult, spec: string | undefined): string[] {
  const [first] = it.findings;
  if (first === undefined) return [];
  const { requirement, message, expected, actual } = first;
  return yaml({
    message,
    severity: requirementOf(requirement).level === "MUST" ? "fail" : "todo",
    requirement,
    rule: requirementOf(requirement).sentence,
    see: specLink(requirement, spec),
    expected,
    actual,
    duration_ms: String(Math.round(secondsOf(it.duration) * 1000)),
    reproduce: it.reproduce,
  });
}

/** A block of YAML. JSON's strings are YAML's, so nothing in them can end the block. */
function yaml(values: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(values).map(([key, value]) => `  ${key}: ${JSON.stringify(plain(value))}`);
  return ["  ---", ...entries, "  ..."];
}

/** A hash would begin a directive. */
const escaped = (text: string) => plain(text).replaceAll(/[\\#]/g, "\\$&");
