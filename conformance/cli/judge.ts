import { Command } from "commander";
import { exitCodesHelp } from "./exit-code.js";
import { nameOf } from "./files.js";
import { judgeFiles, openInput } from "./judge-files.js";
import { type OutputFlags, outputOptions, outputSettings, prepareOutput } from "./output.js";

export const judgeCommand = outputOptions(
  new Command("judge")
    .summary("judge recorded histories again, without a server")
    .description("Judges the histories that --record wrote, or histories of the same format from another source.")
    .argument("<files...>", "history files; - is standard input")
    .optionsGroup("Output:"),
)
  .addHelpText(
    "after",
    `
A damaged line, such as the last one of a recording that was killed, ends its history: what is
before it is judged, and the histories after it.
${exitCodesHelp("judge")}

Examples:
  seqsync judge history.jsonl
  seqsync check http://127.0.0.1:8080 --record - | seqsync judge -`,
  )
  .action(async (files: string[], flags: OutputFlags) => {
    const settings = outputSettings(flags);
    prepareOutput(settings);
    const sources = [];
    for (const file of files) sources.push({ name: nameOf(file), content: (await openInput(file)).chunks });
    process.exitCode = await judgeFiles(sources, settings);
  });
