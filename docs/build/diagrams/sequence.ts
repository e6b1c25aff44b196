/** Draws sequence diagrams as SVG: at build time, without a browser, in the colours of the page. */

/** A participant of the sequence. */
export interface Participant {
  id: string;
  label: string;
}

/** A message or a note. */
export type Step =
  | { kind: "message"; from: string; to: string; text: string /** For responses. */; dashed?: boolean; lost?: boolean }
  | { kind: "note"; over: string; text: string };

export interface Sequence {
  participants: readonly Participant[];
  steps: readonly Step[];
}

// In units of the view box, which are pixels unless the page is narrower than the diagram.
const LINE = 15;
const CHARACTER = 6.4;
const MARGIN = 8;

/**
 * Returns inline SVG without empty lines, so that Markdown treats it as one block. `label` describes it for screen
 * readers.
 */
export function drawSequence(
  { participants, steps }: Sequence,
  label: string,
  lane = laneFor(steps, participants),
): string {
  const width = MARGIN * 2 + lane * participants.length;
  const xOf = (id: string) => {
    const index = participants.findIndex((it) => it.id === id);
    if (index < 0) throw new Error(`there is no participant ${id}`);
    return MARGIN + lane * (index + 0.5);
  };
  const heads = participants.map(
    ({ id, label: name }) =>
      `<g class="head"><rect x="${xOf(id) - lane / 2 + 4}" y="2" width="${lane - 8}" height="24" rx="4"/><text x="${xOf(id)}" y="18">${escaped(name)}</text></g>`,
  );
  let y = 32;
  const drawn = steps.map((step, index) => {
    const { svg, height } =
      step.kind === "note" ? note(step.text, xOf(step.over), y, lane) : message(step, xOf(step.from), xOf(step.to), y);
    y += height;
    return `<g class="step" data-step="${index + 1}">${svg}</g>`;
  });
  const height = y + MARGIN;
  const rails = participants.map(
    ({ id }) => `<line class="rail" x1="${xOf(id)}" x2="${xOf(id)}" y1="26" y2="${height}"/>`,
  );
  return `<svg class="sequence" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" role="img" aria-label="${escaped(label)}">${rails.join("")}${heads.join("")}${drawn.join("")}</svg>`;
}

function message(
  { text, dashed, lost }: Extract<Step, { kind: "message" }>,
  from: number,
  to: number,
  top: number,
): { svg: string; height: number } {
  const room = Math.max(Math.abs(to - from) - 12, 60);
  const lines = wrapped(text, room);
  const y = top + lines.length * LINE + 5;
  const direction = Math.sign(to - from);
  // A lost message ends before it arrives.
  const end = lost ? to - direction * 40 : to;
  const head = lost
    ? `<path class="lost" d="M${end - 5} ${y - 5}l10 10m0-10l-10 10"/>`
    : `<path class="arrowhead" d="M${end} ${y}l${-8 * direction}-4v8z"/>`;
  const words = lines.map((line, index) => {
    const at = top + (index + 1) * LINE - 2;
    return `<text x="${(from + to) / 2}" y="${at}">${escaped(line)}</text>`;
  });
  const shaft = `<line class="${dashed ? "response" : "call"}" x1="${from}" x2="${end - direction * (lost ? 6 : 7)}" y1="${y}" y2="${y}"/>`;
  return { svg: `${words.join("")}${shaft}${head}`, height: lines.length * LINE + 14 };
}

function note(text: string, x: number, top: number, lane: number): { svg: string; height: number } {
  const lines = wrapped(text, lane - 16);
  const height = lines.length * LINE + 6;
  const words = lines.map(
    (line, index) => `<text x="${x}" y="${top + 3 + (index + 1) * LINE - 2}">${escaped(line)}</text>`,
  );
  const box = `<rect class="note" x="${x - lane / 2 + 4}" y="${top + 3}" width="${lane - 8}" height="${height}" rx="3"/>`;
  return { svg: box + words.join(""), height: height + 8 };
}

/** Width of a lane: the longest text between two neighbours fits into two lines. */
function laneFor(steps: readonly Step[], participants: readonly Participant[]): number {
  const needs = steps.map(({ text }) => (text.length * CHARACTER) / 2 + 40);
  const heads = participants.map(({ label }) => label.length * CHARACTER + 28);
  return Math.round(Math.min(Math.max(130, ...needs, ...heads), 240));
}

function wrapped(text: string, room: number): string[] {
  const most = Math.floor(room / CHARACTER);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
