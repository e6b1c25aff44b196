/** How many columns of a terminal a text takes: one for each code point, which holds for all that the suite itself writes. */
export const columns = (text: string) => [...text].length;

/** Breaks a text into lines of at most `width` columns, between words where it can. Never empty. */
export function wrap(text: string, width: number): string[] {
  const room = Math.max(width, 8);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((it) => it !== "")) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (columns(joined) <= room) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    const pieces = inPieces(word, room);
    line = pieces.pop() ?? "";
    lines.push(...pieces);
  }
  return [...lines, line];
}

/** Cuts a text into pieces of `room` columns; an empty one is one piece. */
export function inPieces(word: string, room: number): string[] {
  const points = [...word];
  return Array.from({ length: Math.max(Math.ceil(points.length / room), 1) }, (_, index) =>
    points.slice(index * room, (index + 1) * room).join(""),
  );
}

// Whatever could move a terminal's cursor, end a line or turn the direction of writing.
const CONTROL = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text in one line, with what is not to be seen made visible, so that a server's answer cannot act on a terminal or a page. */
export function plain(text: string): string {
  return text.replaceAll(CONTROL, (char) =>
    char === "\n" || char === "\t" ? " " : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
