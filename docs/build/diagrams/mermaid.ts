/** Converts the Mermaid diagrams of the Markdown sources, which GitHub renders itself, to static SVG. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drawSequence, type Participant, type Sequence, type Step } from "./sequence.js";

const BLOCK = /^```mermaid\n([\s\S]*?)^```$/gm;

/** Replaces each diagram of the text by SVG. Throws if one is not supported. */
export const withDiagrams = (text: string): string =>
  text.replace(BLOCK, (_block, source: string) => `<figure class="diagram">\n${draw(source.trim())}\n</figure>`);

function draw(source: string): string {
  if (source.startsWith("sequenceDiagram")) return drawSequence(parseSequence(source), describe(source));
  if (source.startsWith("stateDiagram-v2")) return lifeOfAMessage(source);
  throw new Error(`unsupported kind of Mermaid diagram: ${source.split("\n", 1)[0]}`);
}

const PARTICIPANT = /^participant (\w+) as (.+)$/;
const MESSAGE = /^(\w+)(-?->>|-?-x)(\w+): (.+)$/;
const NOTE = /^Note over (\w+): (.+)$/;

/** Parses the subset of Mermaid that the sources use; throws on anything else. */
export function parseSequence(source: string): Sequence {
  const participants: Participant[] = [];
  const steps: Step[] = [];
  for (const line of source
    .split("\n")
    .slice(1)
    .map((it) => it.trim())) {
    const [, id, label] = PARTICIPANT.exec(line) ?? [];
    const [, from, arrow, to, text] = MESSAGE.exec(line) ?? [];
    const [, over, note] = NOTE.exec(line) ?? [];
    if (id !== undefined && label !== undefined) participants.push({ id, label });
    else if (from !== undefined && to !== undefined && text !== undefined)
      steps.push({
        kind: "message",
        from,
        to,
        text,
        dashed: arrow?.startsWith("--") ?? false,
        lost: arrow?.endsWith("x") ?? false,
      });
    else if (over !== undefined && note !== undefined) steps.push({ kind: "note", over, text: note });
    else throw new Error(`unsupported line of a Mermaid diagram: ${line}`);
  }
  return { participants, steps };
}

/** Describes the diagram in words. */
function describe(source: string): string {
  const { participants, steps } = parseSequence(source);
  const name = (id: string) => participants.find((it) => it.id === id)?.label ?? id;
  return steps
    .map((step) =>
      step.kind === "note"
        ? `${name(step.over)}: ${step.text}.`
        : `${name(step.from)} to ${name(step.to)}: ${step.text}${step.lost ? ", which is lost" : ""}.`,
    )
    .join(" ");
}

/** Returns the only state diagram, which is drawn by hand. Throws if a text of its source is missing in the drawing. */
function lifeOfAMessage(source: string): string {
  const svg = readFileSync(join(import.meta.dirname, "life-of-a-message.svg"), "utf8").trim();
  const drawn = svg.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  const words = source
    .split("\n")
    .slice(1)
    .flatMap((line) => line.split(/ --> |: /))
    .map((it) => it.trim());
  for (const phrase of words.filter((it) => it !== "[*]"))
    if (!drawn.includes(phrase)) throw new Error(`life-of-a-message.svg lacks "${phrase}"`);
  return svg;
}
