import type { WriteStream } from "node:tty";
import { printableLines, withoutCommands } from "../../printable.js";

const CODES = { bold: 1, dim: 2, reverse: 7, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A colour or another attribute of text in a terminal. */
export type Style = keyof typeof CODES;

/** Styles a text, or returns it unchanged where there is no terminal. */
export type Styler = (style: Style, text: string) => string;

/** Leaves every text unchanged. */
export const unstyled: Styler = (_, text) => text;

/** Styles text only for a terminal; the environment variables NO_COLOR and FORCE_COLOR override that. */
export function stylerFor(stream: Pick<WriteStream, "isTTY">): Styler {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const on = NO_COLOR ? false : FORCE_COLOR !== undefined ? FORCE_COLOR !== "0" : stream.isTTY === true;
  return on ? (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m` : unstyled;
}

/** Moves to the start of the line, and clears it. */
export const CLEAR_LINE = "\r\u001b[2K";

const OWN = new RegExp(`(\\r\\u001b\\[2K|\\u001b\\[(?:0|${Object.values(CODES).join("|")})m)`);

/**
 * Prepares text for a terminal or a log: everything is escaped but line ends, the styles above, and `CLEAR_LINE`. Data
 * is escaped where it is put into a line; this is a second barrier, and the only one that sees where a line starts.
 */
export const terminalText = (text: string): string =>
  withoutCommands(
    text
      .split(OWN)
      .map((part, index) => (index % 2 === 0 ? printableLines(part) : part))
      .join(""),
  );

/** Prepares one line like {@link terminalText}; line ends within it are escaped too. */
export const terminalLine = (line: string): string => terminalText(line.replaceAll("\n", "\\n"));
