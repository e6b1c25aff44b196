import { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { markKnownFailures } from "../run/known-failures.js";
import { MergeError, mergeReports } from "../run/merge.js";
import { exitCodesHelp } from "./exit-code.js";
import { readKnownFailures } from "./known-failures.js";
import { file } from "./options.js";
import { type OutputFlags, outputOptions, outputSettings, writeOutput } from "./output.js";
import { readReport } from "./read-report.js";
import { UsageError } from "./usage.js";

interface Flags extends OutputFlags {
  knownFailures?: string;
}

export const mergeCommand = outputOptions(
  new Command("merge")
    .summary("merge the reports of the parts of a run")
    .description(
      "Merges the JSON reports that `seqsync check --shard i/n` wrote into one verdict and one set of reports.",
    )
    .argument("<reports...>", "JSON reports, one for each part")
    .optionsGroup("Output:")
    .addOption(
      file("--known-failures <file>", "check that the list of known failures of the parts has no stale entry"),
    ),
)
  .addHelpText(
    "after",
    `${exitCodesHelp("merge")}\n\nExample:\n  seqsync merge part1.json part2.json --report json=report.json`,
  )
  .action((files: string[], flags: Flags) => {
    const settings = { ...outputSettings(flags), knownFailures: flags.knownFailures };
    const known = flags.knownFailures === undefined ? undefined : readKnownFailures(flags.knownFailures);
    const report = merge(files.map(readReport));
    // Without a list, the known failures stay as they are marked in the reports of the parts.
    if (known !== undefined) markKnownFailures(report, known);
    process.exitCode = writeOutput(report, settings);
  });

function merge(reports: readonly Report[]): Report {
  try {
    return mergeReports(reports);
  } catch (error) {
    throw error instanceof MergeError ? new UsageError(error.message) : error;
  }
}
