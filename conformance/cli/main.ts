#!/usr/bin/env node
import "../../proto/base64.js";
import { Command } from "commander";
import { VERSION } from "../version.js";
import { checkCommand } from "./check.js";
import { exploreCommand } from "./explore.js";
import { judgeCommand } from "./judge.js";
import { listCommand } from "./list.js";
import { mergeCommand } from "./merge.js";
import { mutantsCommand } from "./mutants.js";
import { reportCommand } from "./report.js";
import { EXIT, UsageError } from "./usage.js";

const program = new Command("seqsync")
  .description(
    "Checks servers of the Seq Sync protocol: messages are delivered, sync acks, and nothing acked comes again.",
  )
  .version(VERSION)
  .showSuggestionAfterError();

for (const command of [
  checkCommand,
  exploreCommand,
  judgeCommand,
  reportCommand,
  mergeCommand,
  listCommand,
  mutantsCommand,
])
  program.addCommand(command);
for (const command of [program, ...program.commands]) {
  command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : new UsageError("");
  });
}

// Whoever reads may have seen enough; and a disk may be full.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Progress that nobody reads must not cost the verdict.
    if (stream === process.stderr) return;
    if (error.code !== "EPIPE") console.error(`seqsync: cannot write: ${error.code}`);
    process.exit(EXIT.inconclusive);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof UsageError) {
    // Commander has told its own errors already.
    if (error.message !== "") console.error(`seqsync: ${error.message}`);
    process.exitCode = EXIT.usage;
  } else if ((error as { exitCode?: number }).exitCode !== 0) {
    console.error(`seqsync: the suite itself went wrong; please report this: ${error}`);
    if (process.env["SEQSYNC_DEBUG"]) console.error(error);
    process.exitCode = EXIT.inconclusive;
  }
}
