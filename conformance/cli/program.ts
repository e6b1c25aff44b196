import "../../proto/base64.js";
import { inspect } from "node:util";
import { Command } from "commander";
import { withoutUserInfo } from "../run/target.js";
import { quoted } from "../shell.js";
import { VERSION } from "../version.js";
import { checkCommand } from "./check.js";
import { doctorCommand } from "./doctor.js";
import { EXIT } from "./exit.js";
import { exploreCommand } from "./explore.js";
import { COMMAND, runnable } from "./invocation.js";
import { judgeCommand } from "./judge.js";
import { listCommand } from "./list.js";
import { mergeCommand } from "./merge.js";
import { mutantsCommand } from "./mutants.js";
import { reportCommand } from "./report.js";
import { print, printError, printErrorText } from "./terminal.js";
import { UsageError, withScheme } from "./usage.js";

const program = new Command(COMMAND)
  .description("Checks servers of the Seq Sync protocol.")
  .version(VERSION)
  .showSuggestionAfterError();

for (const command of [
  checkCommand,
  doctorCommand,
  exploreCommand,
  judgeCommand,
  reportCommand,
  mergeCommand,
  listCommand,
  mutantsCommand,
])
  program.addCommand(command);
for (const command of [program, ...program.commands]) {
  command.configureOutput({
    writeOut: (text) => print(runnable(text)),
    writeErr: printErrorText,
    outputError: (text) => printError(`seqsync: ${onOneLine(text)}`),
  });
  command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : new UsageError("");
  });
}

/** Formats an error of the parser like the other errors: in one line. */
function onOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean "$1"?');
}

// The reader may close the pipe (EPIPE), or the disk may be full.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // A failure to print progress must not change the exit code.
    if (stream === process.stderr) return;
    if (error.code !== "EPIPE") printError(`seqsync: cannot write to standard output: ${error.code}`);
    process.exit(EXIT.inconclusive);
  });
}

try {
  const [first = ""] = process.argv.slice(2);
  const url = /^https?:\/\//.test(first)
    ? first
    : /^localhost|:\d{1,5}(\/|$)/.test(first)
      ? withScheme(first)
      : undefined;
  if (url !== undefined && URL.canParse(url))
    throw new UsageError(`a URL needs a command; did you mean \`seqsync check ${quoted(withoutUserInfo(url))}\`?`);
  await program.parseAsync();
} catch (error) {
  if (error instanceof UsageError) {
    // Errors of the parser have been printed already.
    if (error.message !== "") printError(`seqsync: ${runnable(error.message)}`);
    process.exitCode = EXIT.usage;
  } else if ((error as { exitCode?: number }).exitCode !== 0) {
    printError(`seqsync: error in the suite, not in the server; please report it: ${error}`);
    if (process.env["SEQSYNC_DEBUG"]) printErrorText(`${inspect(error)}\n`);
    process.exitCode = EXIT.inconclusive;
  }
}
