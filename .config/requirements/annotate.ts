import type { ParsedRequirement } from "./parse.js";

const WIDTH = 120;
/** A line that an earlier run has written: an id, or the rest of its sentence. */
const MARK = "// §";

/**
 * Writes above each case the sentence of the requirement that it is named for, so that whoever reads a check sees what it
 * checks. Where the next case is named for the same one, once is enough. What was written before is replaced.
 */
export function annotate(source: string, sentences: ReadonlyMap<string, Pick<ParsedRequirement, "sentence">>): string {
  const lines = source.split("\n").filter((line) => !line.trimStart().startsWith(MARK));
  let last = "";
  return lines
    .flatMap((line, index) => {
      if (!/^\s+id: "[a-z]+\/[^"]+",$/.test(line)) return [line];
      const id = namedFor(lines.slice(index, index + 12));
      const sentence = id === undefined ? undefined : sentences.get(id)?.sentence;
      if (id === undefined || sentence === undefined || id === last) return [line];
      last = id;
      const indent = /^\s*/.exec(line)?.[0] ?? "";
      return [
        ...wrap(`${id}: ${sentence}`, WIDTH - indent.length - MARK.length - 1).map((it) => `${indent}${MARK} ${it}`),
        line,
      ];
    })
    .join("\n");
}

/** The first id after `requirements: [`. */
function namedFor(lines: readonly string[]): string | undefined {
  return /requirements: \[\s*"([A-Z0-9-]+)"/.exec(lines.join("\n"))?.[1];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
