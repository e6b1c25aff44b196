import { lifelines, type SequenceStep } from "../../model/sequence.js";
import { columns, plain, wrap } from "../text.js";
import { type Html, html } from "./template.js";

// All in units of the view box, which is as wide as a small phone: there one unit is about one pixel.
const WIDTH = 316;
const SERVER = WIDTH - 26;
const LINE = 15;
const TOP = 26;
/** Characters of the diagram's font that fit across it. */
const ROOM = 42;

/** A sequence diagram as inline SVG, made to be read at the width of a phone, with the same as a list for those who cannot see it. */
export function diagram(arrows: readonly SequenceStep[], label: string): Html | undefined {
  if (arrows.length === 0) return undefined;
  const clients = lifelines(arrows);
  const step = (SERVER - 26) / Math.max(clients.length, 1);
  const xOf = (client: string) => 26 + Math.max(clients.indexOf(client), 0) * step;

  // Names above each other where they would run into the next lifeline.
  const rows = clients.length > 1 ? 2 : 1;
  const heads = [...clients.map((client) => [client, xOf(client)] as const), ["server", SERVER] as const].map(
    ([name, x], index) => {
      const shown = columns(name) > 16 ? `${[...name].slice(0, 15).join("")}…` : name;
      const anchor = name === "server" ? "end" : index === 0 ? "start" : "middle";
      const at = name === "server" ? WIDTH - 2 : index === 0 ? 2 : x;
      return html`<text class="head" x="${at}" y="${12 + (index % rows) * 14}" text-anchor="${anchor}">${plain(shown)}</text>`;
    },
  );

  let y = TOP + (rows - 1) * 14;
  const start = y;
  const drawn = arrows.map((arrow) => {
    const lines = wrap(plain(arrow.text), ROOM);
    const label = lines.map((line) => {
      y += LINE;
      return html`<text x="${WIDTH / 2}" y="${y - 3}" text-anchor="middle">${line}</text>`;
    });
    y += 6;
    const shape = shapeOf(arrow, arrow.direction === "both" ? 8 : xOf(arrow.client), y);
    y += 7;
    return html`<g class="${arrow.direction}">${label}${shape}</g>`;
  });
  const height = y + 6;
  const rails = [...clients.map(xOf), SERVER].map(
    (x) => html`<line class="rail" x1="${x}" x2="${x}" y1="${start}" y2="${height}"/>`,
  );
  return html`<figure class="diagram">
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}; the same follows as a list">${rails}${heads}${drawn}</svg>
<details><summary>The same as a list</summary><ol>${arrows.map((arrow) => html`<li>${sentence(arrow)}</li>`)}</ol></details>
</figure>`;
}

/** The arrow's shaft and head, from the client's lifeline at `x` to the server's or back. */
function shapeOf({ direction }: SequenceStep, x: number, y: number): Html {
  switch (direction) {
    case "to":
      return html`<line x1="${x}" x2="${SERVER - 2}" y1="${y}" y2="${y}"/><path class="tip" d="M${SERVER} ${y}l-7-3.5v7z"/>`;
    case "from":
      return html`<line x1="${x + 2}" x2="${SERVER}" y1="${y}" y2="${y}"/><path class="tip" d="M${x} ${y}l7-3.5v7z"/>`;
    case "lost": {
      // Just short of the client that waits for it.
      const cut = x + 14;
      return html`<line x1="${cut + 6}" x2="${SERVER}" y1="${y}" y2="${y}"/><path d="M${cut - 4} ${y - 4}l8 8m0-8l-8 8"/>`;
    }
    case "both":
      return html`<line x1="${x}" x2="${WIDTH - 8}" y1="${y}" y2="${y}"/>`;
  }
}

/** A step in words, for whoever cannot see the arrow. */
function sentence({ client, direction, text }: SequenceStep): string {
  const who = client === "" ? "the client" : client;
  return {
    to: `${who} to server: ${text}`,
    from: `server to ${who}: ${text}`,
    lost: `${who} gets no answer it can use: ${text}`,
    both: text,
  }[direction];
}
