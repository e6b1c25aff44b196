import type { ParsedRequirement } from "./parse.js";

const WIDTH = 120;
/** Prefix of the generated comment lines. */
const MARK = "// §";

/**
 * Inserts the sentence of its main requirement as a comment above each case, and removes the comments of earlier runs. Consecutive
 * cases with the same main requirement get one comment.
 */
export function annotate(source: string, sentences: ReadonlyMap<string, Pick<ParsedRequirement, "sentence">>): string {
  const lines = source.split("\n").filter((line) => !line.trimStart().startsWith(MARK));
  let last = "";
  return lines
    .flatMap((line, index) => {
      if (!/^\s+id: "[a-z]+\/[^"]+",$/.test(line)) return [line];
      const id = mainRequirement(lines.slice(index, index + 12));
      const sentence = id === undefined ? undefined : sentences.get(id)?.sentence;
      if (id === undefined || sentence === undefined || id === last) return [line];
      last = id;
      const indent = /^\s*/.exec(line)?.[0] ?? "";
      return [
        ...wrap(`${id}: ${sentence}`, WIDTH - indent.length - MARK.length - 1).map(
          (text) => `${indent}${MARK} ${text}`,
        ),
        line,
      ];
    })
    .join("\n");
}

/** Returns the first id after `requirements: [`. */
function mainRequirement(lines: readonly string[]): string | undefined {
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
