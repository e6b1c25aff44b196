/** A requirement as the specification states it. */
export interface ParsedRequirement {
  id: string;
  level: "MUST" | "SHOULD" | "MAY";
  profile: string;
  /** The exact sentence, on one line. */
  sentence: string;
  /** Chapter file and anchor, below `docs/spec/`. */
  anchor: string;
}

const START = /^> <a id="([a-z0-9-]+)"><\/a>\*\*([A-Z0-9-]+)\*\* \(([A-Z]+)\) (.+)$/;

/** Parses the requirements of a chapter. Each is a block quote that begins with an anchor, an id and a profile. */
export function parseChapter(file: string, text: string): ParsedRequirement[] {
  const requirements: ParsedRequirement[] = [];
  let open: { id: string; profile: string; words: string[] } | undefined;
  const close = () => {
    if (open === undefined) return;
    const sentence = open.words.join(" ").trim();
    const anchor = `${file}#${open.id.toLowerCase()}`;
    requirements.push({ id: open.id, profile: open.profile, sentence, anchor, level: levelOf(sentence, open.id) });
    open = undefined;
  };
  for (const line of text.split("\n")) {
    const start = START.exec(line);
    if (start !== null) {
      close();
      const [, anchor, id = "", profile = "", words = ""] = start;
      if (anchor !== id.toLowerCase()) throw new Error(`${file}: the anchor of ${id} is "${anchor}"`);
      open = { id, profile, words: [words] };
    } else if (open !== undefined && line.startsWith(">")) {
      open.words.push(line.slice(1).trim());
    } else {
      close();
      if (line.startsWith(">")) throw new Error(`${file}: a block quote that is not a requirement: ${line}`);
    }
  }
  close();
  return requirements;
}

/** Returns the strongest BCP 14 key word of a sentence. */
function levelOf(sentence: string, id: string): ParsedRequirement["level"] {
  const level = (["MUST", "SHOULD", "MAY"] as const).find((word) => new RegExp(`\\b${word}\\b`).test(sentence));
  if (level === undefined) throw new Error(`${id} has none of MUST, SHOULD and MAY`);
  return level;
}
