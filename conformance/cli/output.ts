import { appendFileSync } from "node:fs";
import type { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { renderers } from "../report/formats/renderers.js";
import { stylerFor } from "../report/formats/style.js";
import { renderReport } from "../report/formats/terminal.js";
import { exitCodeOf } from "./exit-code.js";
import { knownLines } from "./known-failures.js";
import { FORMATS, type Output, parseOutput, unwritable, writeOutputs } from "./outputs.js";
import type { Detail } from "./progress.js";
import { collect, EXIT, UsageError } from "./usage.js";

export interface OutputFlags {
  report?: string[];
  verbose?: true;
  quiet?: true;
}

/** What is told of a report, and where. */
export interface OutputSettings {
  outputs: readonly Output[];
  detail: Detail;
}

/** Adds the options that say what is told. */
export function outputOptions(command: Command): Command {
  return command
    .option("--report <format=file>", `write a report (${FORMATS.join(", ")}); may be repeated`, collect)
    .option("--verbose", "tell of every case")
    .option("--quiet", "tell only the verdict, and what is broken in a line each");
}

export function outputSettings({ report = [], verbose, quiet }: OutputFlags): OutputSettings {
  if (quiet && verbose) throw new UsageError("give --quiet or --verbose, not both");
  return { outputs: report.map(parseOutput), detail: quiet ? "quiet" : verbose ? "verbose" : "normal" };
}

/** Writes the reports and shows the one for people. The exit code that belongs to it; a report that cannot be written is 3. */
export function writeOutput(report: Report, { outputs, detail }: OutputSettings): number {
  let harmed = false;
  const reports = writeOutputs(outputs, report, (line) => {
    harmed = true;
    console.error(`seqsync: ${line}`);
  });
  const paint = stylerFor(process.stdout);
  // Where no terminal breaks lines, what stands alone is left whole, for those who search for it.
  const width = Math.max(process.stdout.columns ?? (report.headline === "" ? 100 : Number.MAX_SAFE_INTEGER), 40);
  process.stdout.write(renderReport(report, paint, { detail, width, reports }));
  summarize(report);
  for (const [style, line] of knownLines(report)) process.stdout.write(`${paint(style, line)}\n`);
  return harmed ? EXIT.inconclusive : exitCodeOf(report);
}

/** On GitHub the report also stands below the job, without being asked for. That it does not is no fault of the run. */
function summarize(report: Report): void {
  const file = process.env["GITHUB_STEP_SUMMARY"];
  if (!file) return;
  try {
    appendFileSync(file, renderers.markdown(report));
  } catch (error) {
    console.error(`seqsync: ${unwritable(file, error)}`);
  }
}
