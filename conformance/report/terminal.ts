import { type CaseResult, Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS, type RequirementId } from "../registry/requirements.js";
import { type Blamed, groupByRequirement } from "./blame.js";
import type { Paint, Style } from "./paint.js";

const MARKS = {
  [Outcome.PASS]: ["green", "pass"],
  [Outcome.FAIL]: ["red", "fail"],
  [Outcome.WARN]: ["yellow", "warn"],
  [Outcome.NOT_APPLICABLE]: ["dim", "n/a"],
  [Outcome.INCONCLUSIVE]: ["yellow", "open"],
  [Outcome.HARNESS_ERROR]: ["red", "error"],
  [Outcome.UNSPECIFIED]: ["dim", "not run"],
} as const satisfies Record<Outcome, readonly [Style, string]>;

const VERDICTS: Record<Outcome, string> = {
  [Outcome.PASS]: "This server keeps every requirement that was checked.",
  [Outcome.WARN]: "This server keeps every MUST that was checked, but not every SHOULD.",
  [Outcome.FAIL]: "This server breaks requirements.",
  [Outcome.INCONCLUSIVE]: "Nothing broken was found, but not everything could be checked.",
  [Outcome.HARNESS_ERROR]: "The suite itself went wrong: this says nothing about the server.",
  [Outcome.NOT_APPLICABLE]: "Nothing that was asked for applies to this server.",
  [Outcome.UNSPECIFIED]: "Nothing was run.",
};

/** A report for people: chapters, what is broken by requirement, what is open and why, the verdict. */
export function renderReport(report: Report, paint: Paint): string {
  const lines: string[] = [];
  if (report.headline === "") {
    lines.push("", ...chapters(report.cases, paint));
    for (const group of groupByRequirement(report.cases)) lines.push("", ...failure(group, paint));
    lines.push(...unfinished(report.cases, paint));
  }
  const [style] = MARKS[report.verdict];
  lines.push(
    "",
    paint(style, paint("bold", report.headline === "" ? VERDICTS[report.verdict] : report.headline)),
    paint("dim", summary(report)),
  );
  return `${lines.join("\n")}\n`;
}

function chapters(cases: readonly CaseResult[], paint: Paint): string[] {
  const names = [...new Set(cases.map(({ id }) => id.split("/", 1)[0] ?? id))];
  const width = Math.max(...names.map((name) => name.length), 0);
  return names.map((name) => {
    const own = cases.filter(({ id }) => id.startsWith(`${name}/`));
    const parts = [
      Outcome.PASS,
      Outcome.FAIL,
      Outcome.WARN,
      Outcome.INCONCLUSIVE,
      Outcome.HARNESS_ERROR,
      Outcome.NOT_APPLICABLE,
    ].flatMap((outcome) => {
      const count = own.filter((it) => it.outcome === outcome).length;
      const [style, word] = MARKS[outcome];
      return count === 0 ? [] : [paint(style, `${count} ${word}`)];
    });
    return `  ${name.padEnd(width)}  ${parts.join("  ")}`;
  });
}

function failure({ requirement, findings }: Blamed, paint: Paint): string[] {
  const { level, sentence } = REQUIREMENTS[requirement];
  const lines = [
    paint(level === "MUST" ? "red" : "yellow", paint("bold", `✗ ${requirement}`)) + paint("dim", ` (${level})`),
    `  ${sentence}`,
  ];
  const [first] = findings;
  if (first !== undefined) {
    lines.push(
      "",
      `  ${first.finding.message}`,
      `    expected  ${paint("green", first.finding.expected)}`,
      `    actual    ${paint("red", first.finding.actual)}`,
    );
  }
  lines.push(
    "",
    `  found by  ${findings
      .slice(0, 5)
      .map(({ caseId }) => caseId)
      .join(", ")}${findings.length > 5 ? ` and ${findings.length - 5} more` : ""}`,
  );
  return lines;
}

/** What is open, by reason: a skip must never look like a pass. */
function unfinished(cases: readonly CaseResult[], paint: Paint): string[] {
  const reasons = new Map<string, CaseResult[]>();
  for (const it of cases) {
    if (it.outcome !== Outcome.INCONCLUSIVE && it.outcome !== Outcome.HARNESS_ERROR) continue;
    reasons.set(it.reason, [...(reasons.get(it.reason) ?? []), it]);
  }
  return [...reasons].flatMap(([reason, own]) => {
    const must = own.some((it) => it.requirements.some((id) => REQUIREMENTS[id as RequirementId].level === "MUST"));
    const names = own
      .slice(0, 4)
      .map(({ id }) => id)
      .join(", ");
    return [
      "",
      paint("yellow", `? ${own.length} open${must ? "" : " (no MUST among them)"}: `) + reason,
      paint("dim", `  ${names}${own.length > 4 ? " …" : ""}`),
    ];
  });
}

function summary({ counts, seed, duration, retriedCalls }: Report): string {
  const seconds = Number(duration?.seconds ?? 0n) + (duration?.nanos ?? 0) / 1e9;
  const { pass = 0, fail = 0, warn = 0, inconclusive = 0, harnessError = 0, notApplicable = 0 } = counts ?? {};
  const rest = [
    warn && `${warn} warned`,
    inconclusive && `${inconclusive} open`,
    harnessError && `${harnessError} errors`,
    notApplicable && `${notApplicable} not applicable`,
    retriedCalls && `${retriedCalls} calls tried again`,
  ].filter(Boolean);
  return [`${pass} passed`, `${fail} failed`, ...rest].join(", ").concat(` in ${seconds.toFixed(1)} s, seed ${seed}`);
}
