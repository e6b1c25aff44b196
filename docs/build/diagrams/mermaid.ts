/** Turns the Mermaid diagrams of the Markdown sources, which GitHub shows by itself, into static SVG. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Actor, drawSequence, type Sequence, type Step } from "./sequence.js";

const BLOCK = /^```mermaid\n([\s\S]*?)^```$/gm;

/** The text with each diagram drawn. One that cannot be drawn is an error. */
export const withDiagrams = (text: string): string =>
  text.replace(BLOCK, (_block, source: string) => `<figure class="diagram">\n${draw(source.trim())}\n</figure>`);

function draw(source: string): string {
  if (source.startsWith("sequenceDiagram")) return drawSequence(parseSequence(source), describe(source));
  if (source.startsWith("stateDiagram-v2")) return lifeOfAMessage(source);
  throw new Error(`this kind of Mermaid diagram cannot be drawn: ${source.split("\n", 1)[0]}`);
}

const ACTOR = /^participant (\w+) as (.+)$/;
const MESSAGE = /^(\w+)(-?->>|-?-x)(\w+): (.+)$/;
const NOTE = /^Note over (\w+): (.+)$/;

/** Reads the part of Mermaid's language that the sources use; anything else is an error. */
export function parseSequence(source: string): Sequence {
  const actors: Actor[] = [];
  const steps: Step[] = [];
  for (const line of source
    .split("\n")
    .slice(1)
    .map((it) => it.trim())) {
    const [, id, label] = ACTOR.exec(line) ?? [];
    const [, from, arrow, to, text] = MESSAGE.exec(line) ?? [];
    const [, over, said] = NOTE.exec(line) ?? [];
    if (id !== undefined && label !== undefined) actors.push({ id, label });
    else if (from !== undefined && to !== undefined && text !== undefined)
      steps.push({
        kind: "message",
        from,
        to,
        text,
        dashed: arrow?.startsWith("--") ?? false,
        lost: arrow?.endsWith("x") ?? false,
      });
    else if (over !== undefined && said !== undefined) steps.push({ kind: "note", over, text: said });
    else throw new Error(`this line of a Mermaid diagram is not understood: ${line}`);
  }
  return { actors, steps };
}

/** The diagram in words. */
function describe(source: string): string {
  const { actors, steps } = parseSequence(source);
  const name = (id: string) => actors.find((it) => it.id === id)?.label ?? id;
  return steps
    .map((step) =>
      step.kind === "note"
        ? `${name(step.over)}: ${step.text}.`
        : `${name(step.from)} to ${name(step.to)}: ${step.text}${step.lost ? ", which does not arrive" : ""}.`,
    )
    .join(" ");
}

/** The one state diagram there is has been drawn by hand. What its source says must all be in the drawing. */
function lifeOfAMessage(source: string): string {
  const svg = readFileSync(join(import.meta.dirname, "life-of-a-message.svg"), "utf8").trim();
  const drawn = svg.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  const words = source
    .split("\n")
    .slice(1)
    .flatMap((line) => line.split(/ --> |: /))
    .map((it) => it.trim());
  for (const phrase of words.filter((it) => it !== "[*]"))
    if (!drawn.includes(phrase)) throw new Error(`life-of-a-message.svg does not say "${phrase}"`);
  return svg;
}
