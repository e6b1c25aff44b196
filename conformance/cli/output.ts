import type { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { type ReportFormat, renderers } from "../report/formats/renderers.js";
import { stylerFor } from "../report/formats/style.js";
import { renderReport } from "../report/formats/terminal.js";
import { hasResults } from "../report/model/summary.js";
import { didYouMean } from "../suggest.js";
import { EXIT } from "./exit.js";
import { exitCodeOf } from "./exit-code.js";
import { localSpec, runnableCommand } from "./invocation.js";
import { knownFailureLines } from "./known-failures.js";
import { flag, list } from "./options.js";
import type { Detail } from "./progress.js";
import { print, printError, printFile } from "./terminal.js";
import { UsageError } from "./usage.js";
import { appendText, prepareFile, writeText } from "./write-file.js";

export interface OutputFlags {
  report?: string[];
  verbose?: true;
  quiet?: true;
  strict?: true;
}

/** A report file. */
export interface ReportFile {
  format: ReportFormat;
  /** Name of the file; `STDOUT` for standard output. */
  path: string;
}

/** The name of standard output among file names. */
export const STDOUT = "-";

const nameOfOutput = (path: string) => (path === STDOUT ? "standard output" : path);

/** Files to write a report to, and the amount of detail to print. */
export interface OutputSettings {
  files: readonly ReportFile[];
  detail: Detail;
  /** Where the text for people goes: standard error if standard output gets a report or a history. */
  people: NodeJS.WriteStream;
  /** Whether a MUST that was not checked gives exit code 3. */
  strict: boolean;
  /** The command to run next. Default: the one that reproduces the first violation. */
  next?: string;
  /** The list of known failures that was read, as named on the command line. */
  knownFailures?: string | undefined;
}

const FORMATS = Object.keys(renderers);

/** The option for report files. */
export const reportOption = () =>
  list("--report <format=file>", `write a report: ${FORMATS.join(", ")}; - is standard output`);

/** Adds the options for the output of a report. */
export function outputOptions(command: Command): Command {
  return command
    .addOption(reportOption())
    .addOption(flag("--verbose", "print every case"))
    .addOption(flag("--quiet", "print only the verdict, and one line for each violated requirement"))
    .addOption(
      flag("--strict", "exit with code 3 if a MUST of a declared profile was not checked, for whatever reason"),
    );
}

/**
 * Returns the output settings of the flags; `record` is the file that histories are written to. Throws UsageError for
 * flags that are wrong or exclude each other.
 */
export function outputSettings(
  { report = [], verbose, quiet, strict }: OutputFlags,
  record: string | undefined = undefined,
): OutputSettings {
  if (quiet && verbose) throw new UsageError("--quiet and --verbose exclude each other; use one of them");
  const detail = quiet ? "quiet" : verbose ? "verbose" : "normal";
  const files = report.map(parseReportFile);
  const paths = [...files.map(({ path }) => path), ...(record === undefined ? [] : [record])];
  const twice = paths.find((path, index) => path !== "/dev/null" && paths.indexOf(path) !== index);
  if (twice !== undefined)
    throw new UsageError(`${nameOfOutput(twice)} would be written twice; use one file for each --report and --record`);
  return { files, detail, people: paths.includes(STDOUT) ? process.stderr : process.stdout, strict: strict ?? false };
}

/** Parses "format=file". */
function parseReportFile(text: string): ReportFile {
  const [, format = "", path = ""] = /^(\w+)=(.+)$/s.exec(text) ?? [];
  const formats = FORMATS.join(", ");
  if (format === "") throw new UsageError(`--report ${text}: expected FORMAT=FILE, where FORMAT is one of ${formats}`);
  if (!isFormat(format))
    throw new UsageError(
      `--report ${text}: unknown format "${format}"${didYouMean(format, FORMATS) || `; use one of ${formats}`}`,
    );
  return { format, path };
}

const isFormat = (name: string): name is ReportFormat => Object.hasOwn(renderers, name);

/** Makes sure before a run that its reports can be written after it. Throws UsageError if one cannot. */
export function prepareOutput({ files }: Pick<OutputSettings, "files">): void {
  for (const { path } of files) if (path !== STDOUT) prepareFile(path);
}

/** Writes the report files and prints the report. Returns its exit code, or 3 if a file cannot be written. */
export function writeOutput(report: Report, settings: OutputSettings): number {
  const { detail, people, strict, knownFailures, next } = settings;
  const { isComplete, written } = writeReports(report, settings);
  const reports = written.map(({ format, path }) => ({ format, path: nameOfOutput(path) }));
  const style = stylerFor(people);
  // Without a terminal, a headline alone is not wrapped, so that tools can search for it.
  const width = Math.max(people.columns ?? (hasResults(report) ? 100 : Number.MAX_SAFE_INTEGER), 40);
  const spec = localSpec();
  const options = {
    ...{ detail, width, reports },
    ...(next === undefined ? {} : { next: runnableCommand(next) }),
    ...(spec === undefined ? {} : { spec }),
  };
  print(renderReport(withRunnableCommands(report), style, options), people);
  for (const [color, line] of knownFailureLines(report, knownFailures))
    print(`${style(color, printable(line))}\n`, people);
  return isComplete ? exitCodeOf(report, { strict }) : EXIT.inconclusive;
}

/** The report with commands that can be run here; those of the files can be run where the package is a dependency. */
const withRunnableCommands = (report: Report): Report => ({
  ...report,
  cases: report.cases.map((it) => ({ ...it, reproduce: runnableCommand(it.reproduce) })),
});

/** Writes the report files, and the summary of a job on GitHub. Returns which files were written, and whether all were. */
export function writeReports(
  report: Report,
  { files }: Pick<OutputSettings, "files">,
): { isComplete: boolean; written: ReportFile[] } {
  const problem = (line: string) => printError(`seqsync: ${line}`);
  const written = files.filter(({ format, path }) => {
    const text = renderers[format](report);
    if (path !== STDOUT) return writeText(path, text, problem);
    printFile(text);
    return true;
  });
  // A failure to write the summary is reported, but does not change the exit code.
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (summary) appendText(summary, renderers.markdown(report), problem);
  return { isComplete: written.length === files.length, written };
}
