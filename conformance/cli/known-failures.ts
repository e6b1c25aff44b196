import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { staleKnownFailuresLine } from "../report/model/known-failures.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { allCaseRuns, caseIdOf } from "../run/case-run.js";
import type { KnownFailure } from "../run/known-failures.js";
import { didYouMean } from "../suggest.js";
import { readText } from "./files.js";
import { UsageError } from "./usage.js";

const HEAD = `# Known failures of this server, one per line: a case or a requirement, a colon, and the reason.
# The cases still run. An entry that no longer fails gives exit code 1: remove it.
`;

/**
 * Reads a list of known failures. Throws UsageError for a line without a reason, or with an unknown case or
 * requirement.
 */
export function readKnownFailures(file: string): KnownFailure[] {
  const text = readText(file, "the known failures");
  const ids = new Set([...allCaseRuns(CATALOGUE).map(({ id }) => id), ...Object.keys(REQUIREMENTS)]);
  const known: KnownFailure[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const place = `${file}, line ${index + 1}`;
    const [, id = "", reason = ""] = /^\s*([^:]*?)\s*(?::\s*(.*?)\s*)?$/.exec(line) ?? [];
    if (!ids.has(id)) throw new UsageError(`${place}: unknown case or requirement "${id}"${didYouMean(id, ids)}`);
    if (reason === "")
      throw new UsageError(`${place}: the reason is missing; write it after a colon, as in "${id}: the reason"`);
    if (known.some((entry) => entry.id === id))
      throw new UsageError(`${place}: ${id} is listed twice; remove one line`);
    known.push({ id, reason });
  }
  return known;
}

const WITH_VERDICT: readonly Outcome[] = [Outcome.PASS, Outcome.WARN, Outcome.FAIL];

/**
 * Makes the list of known failures for a report: its failures, with their known reasons or with the first finding, and
 * the known entries of cases without a verdict in this run. Returns undefined if no case has a verdict: the existing
 * list must then be kept.
 */
export function knownFailuresText({ cases }: Report, known: readonly KnownFailure[] = []): string | undefined {
  const judged = cases.filter(({ outcome }) => WITH_VERDICT.includes(outcome));
  if (judged.length === 0) return undefined;
  const isJudged = (id: string) =>
    judged.some((it) => it.id === id || caseIdOf(it.id) === id || it.requirements.includes(id as never));
  const kept = known.filter(({ id }) => !isJudged(id)).map(({ id, reason }) => `${id}: ${reason}\n`);
  const failed = cases.filter(({ outcome }) => outcome === Outcome.FAIL);
  const ids = [...new Set(failed.map(({ id }) => caseIdOf(id)))];
  const lines = ids.map((id) => {
    const own = failed.filter((it) => caseIdOf(it.id) === id);
    const [first] = own;
    // A line without a codec covers both codecs: it would be wrong if one of them passes. But which of them varies
    // depends on the seed.
    const all = cases.filter((it) => caseIdOf(it.id) === id && it.outcome !== Outcome.NOT_APPLICABLE);
    const isVaried = own.some(({ varied }) => varied.length > 0);
    const name = all.length === own.length || isVaried ? id : (first?.id ?? id);
    const finding = first?.findings[0];
    const found = finding === undefined ? "fails" : `violates ${finding.requirement}: ${finding.message}`;
    return `${name}: ${(first?.knownFailure || found).replaceAll(/\s+/g, " ")}\n`;
  });
  return HEAD + [...lines, ...kept].join("");
}

/**
 * Returns the lines to print about the known failures of a report, each with its color. `file` is the list that was
 * read.
 */
export function knownFailureLines(report: Report, file?: string): ["dim" | "red", string][] {
  const known = report.cases.filter(({ knownFailure }) => knownFailure !== "").length;
  const lines: ["dim" | "red", string][] = [];
  if (known > 0)
    lines.push([
      "dim",
      `${known} of the failed cases ${known === 1 ? "is a known failure and does" : "are known failures and do"} not fail the build.`,
    ]);
  const stale = staleKnownFailuresLine(report, file);
  if (stale !== "") lines.push(["red", stale]);
  return lines;
}
