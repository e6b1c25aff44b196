import { printable } from "../../../printable.js";
import { lifelines, markedText, type SequenceStep, stepText } from "../../model/sequence.js";
import { columns, wrap } from "../text.js";
import { type Html, html } from "./template.js";

// Lengths in units of the view box, which is as wide as a small phone: there one unit is about one pixel.
const WIDTH = 316;
const SERVER = WIDTH - 26;
const LINE = 15;
const TOP = 26;
/** Maximum length of a line of text in the diagram, in columns. */
const MAX_COLUMNS = 42;
/** Width of a column of text. */
const COLUMN = (WIDTH - 4) / MAX_COLUMNS;

/** A sequence diagram as inline SVG for the width of a phone, followed by its steps as a list for screen readers. */
export function diagram(steps: readonly SequenceStep[], label: string): Html | undefined {
  if (steps.length === 0) return undefined;
  const clients = lifelines(steps);
  const gap = (SERVER - 26) / Math.max(clients.length, 1);
  const xOf = (client: string) => 26 + Math.max(clients.indexOf(client), 0) * gap;

  // Two rows of names, so that a long name does not reach the next lifeline.
  const rows = clients.length > 1 ? 2 : 1;
  const heads = [...clients.map((client) => [client, xOf(client)] as const), ["server", SERVER] as const].map(
    ([name, x], index) => {
      const shown = columns(name) > 16 ? `${[...name].slice(0, 15).join("")}…` : name;
      const anchor = name === "server" ? "end" : index === 0 ? "start" : "middle";
      const at = name === "server" ? WIDTH - 2 : index === 0 ? 2 : x;
      return html`<text class="head" x="${at}" y="${12 + (index % rows) * 14}" text-anchor="${anchor}">${printable(shown)}</text>`;
    },
  );

  let y = TOP + (rows - 1) * 14;
  const start = y;
  const drawn = steps.map((step) => {
    const lines = wrap(printable(markedText(step)), MAX_COLUMNS);
    const center = centerOf(lines, step.direction === "both" ? WIDTH / 2 : (xOf(step.client) + SERVER) / 2);
    const label = lines.map((line) => {
      y += LINE;
      return html`<text x="${center}" y="${y - 3}" text-anchor="middle">${line}</text>`;
    });
    y += 6;
    const shape = shapeOf(step, step.direction === "both" ? 8 : xOf(step.client), y);
    y += 7;
    return html`<g class="${step.direction}${step.decisive ? " decisive" : ""}">${label}${shape}</g>`;
  });
  const height = y + 6;
  const rails = [...clients.map(xOf), SERVER].map(
    (x) => html`<line class="rail" x1="${x}" x2="${x}" y1="${start}" y2="${height}"/>`,
  );
  return html`<figure class="diagram">
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}; its steps follow as a list">${rails}${heads}${drawn}</svg>
<details><summary>Steps as a list</summary><ol>${steps.map((step) => html`<li>${stepText(step)}</li>`)}</ol></details>
</figure>`;
}

/** The center of lines of text: that of their arrow, or as close to it as the width of the diagram allows. */
function centerOf(lines: readonly string[], arrow: number): number {
  const half = (Math.max(...lines.map(columns)) * COLUMN) / 2;
  return Math.round(Math.max(half + 2, Math.min(arrow, WIDTH - half - 2)));
}

/** The arrow between the client's lifeline at `x` and the server's. */
function shapeOf({ direction }: SequenceStep, x: number, y: number): Html {
  switch (direction) {
    case "to":
      return html`<line x1="${x}" x2="${SERVER - 2}" y1="${y}" y2="${y}"/><path class="tip" d="M${SERVER} ${y}l-7-3.5v7z"/>`;
    case "from":
      return html`<line x1="${x + 2}" x2="${SERVER}" y1="${y}" y2="${y}"/><path class="tip" d="M${x} ${y}l7-3.5v7z"/>`;
    case "lost": {
      // The line ends before it reaches the client.
      const cut = x + 14;
      return html`<line x1="${cut + 6}" x2="${SERVER}" y1="${y}" y2="${y}"/><path d="M${cut - 4} ${y - 4}l8 8m0-8l-8 8"/>`;
    }
    case "both":
      return html`<line x1="${x}" x2="${WIDTH - 8}" y1="${y}" y2="${y}"/>`;
  }
}
