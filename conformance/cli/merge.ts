import { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { markKnownFailures } from "../run/known-failures.js";
import { MergeError, mergeReports } from "../run/merge.js";
import { readKnownFailures } from "./known-failures.js";
import { type OutputFlags, outputOptions, outputSettings, writeOutput } from "./output.js";
import { readReport } from "./read-report.js";
import { UsageError } from "./usage.js";

interface Flags extends OutputFlags {
  knownFailures?: string;
}

export const mergeCommand = outputOptions(
  new Command("merge")
    .summary("join the reports of the parts of a run")
    .description("Makes one verdict and one set of reports of the JSON reports that `seqsync check --shard i/n` wrote.")
    .argument("<reports...>", "JSON reports")
    .option("--known-failures <file>", "the list that the parts were checked with: tells whether it is still true"),
)
  .addHelpText(
    "after",
    "\nExit codes as for `seqsync check`; if a part is missing, 3.\n\nExample:\n  seqsync merge part1.json part2.json --report json=report.json",
  )
  .action((files: string[], flags: Flags) => {
    const telling = outputSettings(flags);
    const known = flags.knownFailures === undefined ? undefined : readKnownFailures(flags.knownFailures);
    const report = merged(files.map(readReport));
    // Without a list, what the parts noted stands.
    if (known !== undefined) markKnownFailures(report, known);
    process.exitCode = writeOutput(report, telling);
  });

function merged(reports: readonly Report[]): Report {
  try {
    return mergeReports(reports);
  } catch (error) {
    throw error instanceof MergeError ? new UsageError(error.message) : error;
  }
}
