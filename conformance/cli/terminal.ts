import { printable } from "../printable.js";
import { terminalText } from "../report/formats/style.js";

// The only place that writes to standard output and standard error: nothing that a server, a file or a command says
// reaches a terminal or the log of a CI system unescaped. Lint and conformance/architecture.test.ts forbid other writes.

/** Writes text to standard output, or to another stream. Everything is escaped but line ends and own styles. */
export const print = (text: string, stream: NodeJS.WriteStream = process.stdout): void =>
  void stream.write(terminalText(text));

/** Writes a report or a history, in which its format escapes what is not printable, to standard output as it is. */
export const printFile = (text: string): void => void process.stdout.write(text);

/** Writes one line to standard error. Line ends within it are escaped too. */
export const printError = (line: string): void => void process.stderr.write(`${terminalText(printable(line))}\n`);

/** Writes text of several lines to standard error, like {@link print}. */
export const printErrorText = (text: string): void => void process.stderr.write(terminalText(text));
