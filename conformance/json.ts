import { scanJson, stringEnd } from "./json-scan.js";

/** Maximum nesting of objects and arrays: far more than any file of the suite needs. */
const MAX_DEPTH = 64;

/** Thrown for a text that is not JSON. The message never quotes the text: it may hold secrets. */
export class JsonError extends Error {
  /** Number of the line, from 1. */
  readonly line: number;
  /** Whether only the end of the text is missing. */
  readonly isTruncated: boolean;

  constructor(line: number, message: string, isTruncated = false) {
    super(message);
    this.line = line;
    this.isTruncated = isTruncated;
  }
}

/**
 * Parses a JSON text from any source.
 *
 * @throws JsonError with the line of the error, also for a text that is nested too deeply.
 */
export function parseJson(text: string): unknown {
  // JSON.parse needs too much memory for a text that is nested very deeply.
  const deep = tooDeepAt(text);
  if (deep !== undefined)
    throw new JsonError(lineAt(text, deep), `there are more than ${MAX_DEPTH} levels of objects and arrays`);
  try {
    return JSON.parse(text);
  } catch {
    // The error of JSON.parse does not always have a position, and it quotes the text.
    const at = scanJson(text) ?? 0;
    const isOpenString = text[at] === '"' && stringEnd(text, at) === text.length && !text.includes("\n", at);
    const isEnd = isOpenString || text.slice(at).trim() === "";
    const column = at - text.lastIndexOf("\n", at - 1);
    throw new JsonError(
      lineAt(text, at),
      isEnd ? "the JSON text ends too early" : `this is not JSON, from column ${column} on`,
      isEnd,
    );
  }
}

/** Returns the line of the value at a path, such as ["cases", 3], in a JSON text; 1 if there is no such value. */
export function lineOfValue(text: string, path: readonly (string | number)[]): number {
  let found = 0;
  scanJson(text, (at, here) => {
    if (here.length === path.length && here.every((step, index) => step === path[index])) found = at;
  });
  return lineAt(text, found);
}

/** The number of the line of a character, from 1. */
function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Returns where a text is nested too deeply; undefined if it is not. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    if (depth > MAX_DEPTH) return at;
  }
  return undefined;
}
