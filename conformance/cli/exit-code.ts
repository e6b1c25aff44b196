import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { wrap } from "../report/formats/text.js";
import { mustsNotChecked } from "../report/model/not-checked.js";
import { isUnexpected } from "../run/known-failures.js";
import { verdictOf } from "../run/requirements.js";
import { EXIT, type ExitName } from "./exit.js";

const USAGE = "invalid usage or configuration";
const SUITE = "the suite failed";

/** Exit codes of the commands that end with a report; `more` is a further reason for an inconclusive result. */
const reportCodes = (more = ""): Readonly<Record<ExitName, string>> => ({
  ok: "no violated MUST was found in what was checked, known failures aside; the end of the report lists what was not checked, and --strict makes that exit code 3",
  violation: "a MUST was violated, or an entry of --known-failures no longer fails",
  usage: USAGE,
  inconclusive: `inconclusive: the server could not be reached, a MUST could not be checked, ${more}a file could not be written, or ${SUITE}`,
});

const REPORT = reportCodes();

const LIST: Readonly<Partial<Record<ExitName, string>>> = {
  ok: "the list was printed",
  usage: USAGE,
  inconclusive: SUITE,
};

/** Meaning of the exit codes of each command, for the help and for the documentation. */
export const EXIT_CODES = {
  check: REPORT,
  doctor: {
    ok: "a run can work; there may be warnings",
    usage: USAGE,
    inconclusive: `a run cannot work: see what is marked ✗; or ${SUITE}`,
  },
  explore: {
    ok: "no violation was found",
    violation: "a violation was found",
    usage: USAGE,
    inconclusive: `inconclusive: the server could not be reached, there are no accounts, the run was interrupted, a file could not be written, or ${SUITE}`,
  },
  judge: {
    ok: "no violated MUST was found",
    violation: "a MUST was violated",
    usage: `${USAGE}, or a file is no history`,
    inconclusive: `inconclusive: a history is damaged and its readable part shows no violation, the histories hold nothing that can be judged, a file could not be written, or ${SUITE}`,
  },
  report: REPORT,
  merge: reportCodes("the report of a part is missing, "),
  list: LIST,
  mutants: LIST,
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<ExitName, string>>>>>;

/** Returns the exit codes of a command as the last part of its help. */
export function exitCodesHelp(command: keyof typeof EXIT_CODES): string {
  const meanings: Partial<Record<ExitName, string>> = EXIT_CODES[command];
  const lines = Object.entries(EXIT).flatMap(([name, code]) => {
    const meaning = meanings[name as ExitName];
    if (meaning === undefined) return [];
    return wrap(meaning, 75).map((line, index) => `  ${index === 0 ? code : " "}  ${line}`);
  });
  return `\nExit codes:\n${lines.join("\n")}`;
}

/**
 * Returns the exit code of a command that ends with a report. A known failure counts as a pass, a stale entry of the
 * list as a violation. With `strict`, a MUST that was not checked is inconclusive.
 */
export function exitCodeOf(report: Report, { strict = false } = {}): number {
  const code = exitCodeOfVerdict(report);
  return strict && code === EXIT.ok && mustsNotChecked(report).length > 0 ? EXIT.inconclusive : code;
}

function exitCodeOfVerdict(report: Report): number {
  if (report.cases.some(isUnexpected) || report.staleKnownFailures.length > 0) return EXIT.violation;
  switch (report.verdict) {
    case Outcome.PASS:
    case Outcome.WARN:
      return EXIT.ok;
    case Outcome.FAIL:
      return withoutKnownFailures(report);
    default:
      return EXIT.inconclusive;
  }
}

/** Returns the exit code without the known failures, for a report whose failures are all known. */
function withoutKnownFailures(report: Report): number {
  const cases = report.cases.filter(({ outcome }) => outcome !== Outcome.FAIL);
  if (cases.length === 0 && report.headline === "") return EXIT.ok;
  const requirements = report.requirements.filter(({ outcome }) => outcome !== Outcome.INCONCLUSIVE);
  const rest = verdictOf({ ...report, cases, requirements });
  return rest === Outcome.PASS || rest === Outcome.WARN || rest === Outcome.NOT_APPLICABLE
    ? EXIT.ok
    : EXIT.inconclusive;
}
