import { closeSync, openSync, readSync } from "node:fs";
import { Command } from "commander";
import { rejudge } from "../run/rejudge.js";
import { type OutputFlags, outputOptions, outputSettings, writeOutput } from "./output.js";
import { readReport } from "./read-report.js";
import { UsageError } from "./usage.js";

export const reportCommand = outputOptions(
  new Command("report")
    .summary("make reports again, from a JSON report or a recorded history")
    .description(
      "Makes reports from a JSON report of `seqsync check`, or from histories that --record wrote: those are judged anew.",
    )
    .argument("<file>", "a JSON report, or a history file"),
)
  .addHelpText(
    "after",
    "\nExit codes as for `seqsync check`.\n\nExample:\n  seqsync report report.json --report json=again.json",
  )
  .action(async (file: string, flags: OutputFlags) => {
    const telling = outputSettings(flags);
    process.exitCode = writeOutput(isHistory(file) ? await rejudge(file) : readReport(file), telling);
  });

/** A history has its header on the first line; a report has its fields there, or none. */
function isHistory(file: string): boolean {
  const head = Buffer.alloc(4096);
  try {
    const fd = openSync(file, "r");
    try {
      const text = head.toString("utf8", 0, readSync(fd, head));
      return /^\s*\{[^\n]*"header"\s*:/.test(text) && !/^\s*\{[^\n]*"suiteVersion"\s*:/.test(text);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
