import { printable } from "../printable.js";

/**
 * Shortens a long id to its last characters, in which the ids of a case differ. What is not visible at its ends stays:
 * a byte order mark at the start, or blanks at the end.
 */
export function shortId(id: string): string {
  if (id === "") return '""';
  const points = [...id];
  if (points.length <= 8) return escapedEnds(id);
  const odd = /^[^\p{L}\p{N}_-]*/u.exec(id)?.[0] ?? "";
  const start = [...odd].length < points.length - 6 ? odd : "";
  return escapedEnds(`${start}…${points.slice(-6).join("")}`);
}

/** Escapes what is not printable, which the lines of a diagram would lose, and blanks at the ends. */
const escapedEnds = (text: string) =>
  printable(text).replaceAll(/^ +| +$/g, (blanks) => "\\u0020".repeat(blanks.length));
