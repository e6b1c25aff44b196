import { Command } from "commander";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { readTextStream } from "../text-file.js";
import { exitCodesHelp } from "./exit-code.js";
import { nameOf, unreadable } from "./files.js";
import { type Input, judgeFiles, openInput } from "./judge-files.js";
import { type OutputFlags, outputOptions, outputSettings, prepareOutput, writeOutput } from "./output.js";
import { MAX_REPORT_BYTES, parseReport } from "./read-report.js";

export const reportCommand = outputOptions(
  new Command("report")
    .summary("render a JSON report, or judge a recorded history and report on it")
    .description(
      "Renders a JSON report of `seqsync check` in other formats. A history that --record wrote is judged again first.",
    )
    .argument("<file>", "a JSON report, or a history file; - is standard input")
    .optionsGroup("Output:"),
)
  .addHelpText(
    "after",
    `${exitCodesHelp("report")}\n\nExample:\n  seqsync report report.json --report html=report.html`,
  )
  .action(async (file: string, flags: OutputFlags) => {
    const settings = outputSettings(flags);
    prepareOutput(settings);
    const input = await openInput(file);
    process.exitCode = isHistory(input)
      ? await judgeFiles([{ name: nameOf(file), content: input.chunks }], settings)
      : writeOutput(await readReport(file, input), settings);
  });

/** Whether a file is a history, and not a report: its first line is then the header of a history. */
function isHistory({ head }: Input): boolean {
  const text = new TextDecoder().decode(head.subarray(0, 4096));
  return /^\s*\{[^\n]*"header"\s*:/.test(text) && !/^\s*\{[^\n]*"suiteVersion"\s*:/.test(text);
}

async function readReport(file: string, { chunks }: Input): Promise<Report> {
  let text: string;
  try {
    text = await readTextStream(chunks, MAX_REPORT_BYTES);
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseReport(file, text);
}
