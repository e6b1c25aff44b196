import { pick } from "../../random.js";

/** Maximum number of characters of a string that are written as escapes: each makes the body longer. */
const MAX_ESCAPED = 500;

/** The short escapes of JSON. */
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Writes a well-formed string as JSON, with escapes for any of its first characters. */
export function escapedString(text: string, random: () => number): string {
  const share = pick(random, [0, 0.2, 0.2, 1]);
  let written = "";
  let length = 0;
  let count = 0;
  // A pair of surrogates is one character here: half of it cannot be written in UTF-8.
  for (const char of text) {
    if (count === MAX_ESCAPED) break;
    written += random() < share ? escaped(char, random) : plain(char);
    length += char.length;
    count += 1;
  }
  return `"${written}${plain(text.slice(length))}"`;
}

const plain = (text: string) => JSON.stringify(text).slice(1, -1);

function escaped(char: string, random: () => number): string {
  const short = SHORT[char];
  if (short !== undefined && random() < 0.7) return short;
  const hex = (unit: string) => {
    const digits = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${random() < 0.5 ? digits : digits.toUpperCase()}`;
  };
  // Not the spread: each surrogate is an escape of its own.
  return char.split("").map(hex).join("");
}
