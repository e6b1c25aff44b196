import { readFileSync } from "node:fs";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { caseOf, type KnownFailure } from "../run/known-failures.js";
import { allCaseRuns } from "../run/plan.js";
import { didYouMean } from "./suggest.js";
import { UsageError } from "./usage.js";

const HEAD = `# Known failures of this server, one a line: a case or a requirement, a colon, and the reason.
# They still run; one that passes fails the build, so that this list stays true.
`;

/** Reads a list of known failures. Every line must name something that there is, and say why. */
export function readKnownFailures(file: string): KnownFailure[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the known failures in ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const ids = new Set([...allCaseRuns(CATALOGUE).map(({ id }) => id), ...Object.keys(REQUIREMENTS)]);
  const known: KnownFailure[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const place = `${file}, line ${index + 1}`;
    const [, id = "", reason = ""] = /^\s*([^:]*?)\s*(?::\s*(.*?)\s*)?$/.exec(line) ?? [];
    if (!ids.has(id)) throw new UsageError(`${place}: there is no case or requirement "${id}"${didYouMean(id, ids)}`);
    if (reason === "") throw new UsageError(`${place}: say why after a colon, as in "${id}: the reason"`);
    if (known.some((entry) => entry.id === id)) throw new UsageError(`${place}: ${id} is there twice`);
    known.push({ id, reason });
  }
  return known;
}

const TOLD: readonly Outcome[] = [Outcome.PASS, Outcome.WARN, Outcome.FAIL];

/**
 * The list that fits a report: its failures, with the reasons that are known, or with what was found; and what was known of
 * cases that this run tells nothing about. Undefined if it tells nothing of any: then the list is better left as it is.
 */
export function knownFailuresText({ cases }: Report, known: readonly KnownFailure[] = []): string | undefined {
  const told = cases.filter(({ outcome }) => TOLD.includes(outcome));
  if (told.length === 0) return undefined;
  const isTold = (id: string) =>
    told.some((it) => it.id === id || caseOf(it.id) === id || it.requirements.includes(id as never));
  const kept = known.filter(({ id }) => !isTold(id)).map(({ id, reason }) => `${id}: ${reason}\n`);
  const failed = cases.filter(({ outcome }) => outcome === Outcome.FAIL);
  const ids = [...new Set(failed.map(({ id }) => caseOf(id)))];
  const lines = ids.map((id) => {
    const own = failed.filter((it) => caseOf(it.id) === id);
    const [first] = own;
    // A line without a codec stands for both: not if one of them passes.
    const all = cases.filter((it) => caseOf(it.id) === id && it.outcome !== Outcome.NOT_APPLICABLE);
    const name = all.length === own.length ? id : (first?.id ?? id);
    const finding = first?.findings[0];
    const found = finding === undefined ? "fails" : `breaks ${finding.requirement}: ${finding.message}`;
    return `${name}: ${(first?.knownFailure || found).replaceAll(/\s+/g, " ")}\n`;
  });
  return HEAD + [...lines, ...kept].join("");
}

/** What a report says of known failures, for people. */
export function knownLines({ cases, staleKnownFailures: stale }: Report): ["dim" | "red", string][] {
  const known = cases.filter(({ knownFailure }) => knownFailure !== "").length;
  const lines: ["dim" | "red", string][] = [];
  if (known > 0)
    lines.push(["dim", `${known} of the failed cases ${known === 1 ? "is" : "are"} known and do not fail the build.`]);
  for (const id of stale) lines.push(["red", `${id} is listed as a known failure, and passes: take it off the list.`]);
  return lines;
}
