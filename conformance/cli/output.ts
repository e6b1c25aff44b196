import type { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type ReportFormat, renderers } from "../report/formats/renderers.js";
import { stylerFor } from "../report/formats/style.js";
import { renderReport } from "../report/formats/terminal.js";
import { didYouMean } from "../suggest.js";
import { EXIT, exitCodeOf } from "./exit-code.js";
import { appendText, writeText } from "./files.js";
import { knownFailureLines } from "./known-failures.js";
import { flag, list } from "./options.js";
import type { Detail } from "./progress.js";
import { UsageError } from "./usage.js";

export interface OutputFlags {
  report?: string[];
  verbose?: true;
  quiet?: true;
}

/** A report file. */
export interface ReportFile {
  format: ReportFormat;
  path: string;
}

/** Files to write a report to, and the amount of detail to print. */
export interface OutputSettings {
  files: readonly ReportFile[];
  detail: Detail;
}

const FORMATS = Object.keys(renderers);

/** Adds the options for the output of a report. */
export function outputOptions(command: Command): Command {
  return command
    .addOption(list("--report <format=file>", `write a report: ${FORMATS.join(", ")}`))
    .addOption(flag("--verbose", "print every case"))
    .addOption(flag("--quiet", "print only the verdict, and one line for each violated requirement"));
}

/** Returns the output settings of the flags. Throws UsageError for flags that are wrong or exclude each other. */
export function outputSettings({ report = [], verbose, quiet }: OutputFlags): OutputSettings {
  if (quiet && verbose) throw new UsageError("--quiet and --verbose exclude each other; use one of them");
  return { files: report.map(parseReportFile), detail: quiet ? "quiet" : verbose ? "verbose" : "normal" };
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

/** Writes the report files and prints the report. Returns its exit code, or 3 if a file cannot be written. */
export function writeOutput(report: Report, { files, detail }: OutputSettings): number {
  let isComplete = true;
  const problem = (line: string) => console.error(`seqsync: ${line}`);
  const reports = files.filter(({ format, path }) => {
    const isWritten = writeText(path, renderers[format](report), problem);
    isComplete &&= isWritten;
    return isWritten;
  });
  const style = stylerFor(process.stdout);
  // Without a terminal, a headline is not wrapped, so that tools can search for it.
  const width = Math.max(process.stdout.columns ?? (report.headline === "" ? 100 : Number.MAX_SAFE_INTEGER), 40);
  process.stdout.write(renderReport(report, style, { detail, width, reports }));
  // The summary of a job on GitHub. A failure to write it is reported, but does not change the exit code.
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (summary) appendText(summary, renderers.markdown(report), problem);
  for (const [color, line] of knownFailureLines(report)) process.stdout.write(`${style(color, line)}\n`);
  return isComplete ? exitCodeOf(report) : EXIT.inconclusive;
}
