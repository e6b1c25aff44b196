/** Is called with the start of each value, and with its path: the keys and indexes that lead to it. */
type Visitor = (at: number, path: readonly (string | number)[]) => void;

/** An object or an array that is not closed yet. `key` is the key or the index of its current value. */
interface Open {
  close: "}" | "]";
  key: string | number;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Scans a JSON text without parsing it. Returns the offset of the first error; undefined for valid JSON. */
export function scanJson(text: string, visit?: Visitor): number | undefined {
  const open: Open[] = [];
  let at = 0;
  const space = () => {
    at = matchEnd(SPACE, text, at) ?? at;
  };
  /** Reads a key and its colon. */
  const key = (frame: Open): boolean => {
    space();
    const end = validStringEnd(text, at);
    if (end === undefined) return false;
    frame.key = JSON.parse(text.slice(at, end));
    at = end;
    space();
    if (text[at] !== ":") return false;
    at += 1;
    return true;
  };

  for (;;) {
    space();
    visit?.(
      at,
      open.map(({ key }) => key),
    );
    const char = text[at];
    if (char === "{" || char === "[") {
      const frame: Open = char === "{" ? { close: "}", key: "" } : { close: "]", key: 0 };
      at += 1;
      space();
      if (text[at] !== frame.close) {
        open.push(frame);
        if (frame.close === "}" && !key(frame)) return at;
        continue;
      }
      at += 1;
    } else {
      const end = char === '"' ? validStringEnd(text, at) : matchEnd(SCALAR, text, at);
      if (end === undefined) return at;
      at = end;
    }
    // A value has ended, and with it perhaps those around it.
    for (;;) {
      space();
      const frame = open.at(-1);
      if (frame === undefined) return at === text.length ? undefined : at;
      if (text[at] === frame.close) {
        open.pop();
        at += 1;
        continue;
      }
      if (text[at] !== ",") return at;
      at += 1;
      if (frame.close === "]") frame.key = Number(frame.key) + 1;
      else if (!key(frame)) return at;
      break;
    }
  }
}

/** Returns the offset after the string that starts at a quotation mark, or the end of the text if it is not closed. */
export function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\" && quote - 1 - backslashes > start) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Returns the offset after a valid string; undefined if none starts here. */
function validStringEnd(text: string, start: number): number | undefined {
  if (text[start] !== '"') return undefined;
  for (let at = start + 1; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return undefined;
    if (code !== 0x5c) at += 1;
    else {
      const end = matchEnd(ESCAPE, text, at);
      if (end === undefined) return undefined;
      at = end;
    }
  }
  return undefined;
}

/** Returns the offset after the match of a sticky pattern at an offset; undefined if it does not match there. */
function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
