/** Width of a text in terminal columns, counted as one for each code point: wide characters are not considered. */
export const columns = (text: string) => [...text].length;

/** Breaks a text into lines of at most `width` columns, between words where possible. Returns at least one line. */
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
    const pieces = chunks(word, room);
    line = pieces.pop() ?? "";
    lines.push(...pieces);
  }
  return [...lines, line];
}

/** Cuts a text into chunks of `width` columns. An empty text is one chunk. */
export function chunks(text: string, width: number): string[] {
  const points = [...text];
  return Array.from({ length: Math.max(Math.ceil(points.length / width), 1) }, (_, index) =>
    points.slice(index * width, (index + 1) * width).join(""),
  );
}
