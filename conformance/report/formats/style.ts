import type { WriteStream } from "node:tty";

const CODES = { bold: 1, dim: 2, reverse: 7, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A way to set off a text. */
export type Style = keyof typeof CODES;

/** Colours a text, or leaves it as it is. */
export type Styler = (style: Style, text: string) => string;

/** Colours only where a terminal shows them; NO_COLOR and FORCE_COLOR have the last word. */
export function stylerFor(stream: Pick<WriteStream, "isTTY">): Styler {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const on = NO_COLOR ? false : FORCE_COLOR !== undefined ? FORCE_COLOR !== "0" : stream.isTTY === true;
  return on ? (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m` : (_, text) => text;
}
