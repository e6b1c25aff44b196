import { closeSync, openSync, readSync } from "node:fs";
import { Command } from "commander";
import { reportOnHistories } from "../run/rejudge.js";
import { exitCodesHelp } from "./exit-code.js";
import { unreadable } from "./files.js";
import { type OutputFlags, outputOptions, outputSettings, writeOutput } from "./output.js";
import { readReport } from "./read-report.js";

export const reportCommand = outputOptions(
  new Command("report")
    .summary("render a JSON report, or judge a recorded history and report on it")
    .description(
      "Renders a JSON report of `seqsync check` in other formats. A history that --record wrote is judged again first.",
    )
    .argument("<file>", "a JSON report, or a history file")
    .optionsGroup("Output:"),
)
  .addHelpText(
    "after",
    `${exitCodesHelp("report")}\n\nExample:\n  seqsync report report.json --report html=report.html`,
  )
  .action(async (file: string, flags: OutputFlags) => {
    const settings = outputSettings(flags);
    process.exitCode = writeOutput(isHistory(file) ? await reportOnHistories(file) : readReport(file), settings);
  });

/** Whether a file is a history, and not a report: its first line is then the header of a history. */
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
    throw unreadable(file, error);
  }
}
