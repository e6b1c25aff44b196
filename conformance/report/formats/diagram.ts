import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { lifelines, markedText, type SequenceStep, sequenceOf } from "../model/sequence.js";
import { columns, wrap } from "./text.js";

/** A sequence diagram as text: a lifeline for each client and one for the server, with time going down. */
export function textDiagram(events: readonly Event[], width = 100): string[] {
  return drawSequence(sequenceOf(events), width);
}

/** Draws steps within `width` columns, at least 32. */
export function drawSequence(steps: readonly SequenceStep[], width: number): string[] {
  if (steps.length === 0) return [];
  const clients = lifelines(steps);
  const widths = clients.map((client) => Math.max(columns(client) + 2, 3));
  const left = widths.reduce((sum, own) => sum + own, 0);
  const right = Math.max(width, 32) - columns("server") / 2;
  // If the lifelines leave no room for the texts, all clients share one, and each text names its client.
  if (left > (right * 2) / 3) return drawOneLifeline(steps, right);

  const positions = clients.map((_, index) => sumTo(widths, index) + 1);
  const head = `${clients.map((client, index) => client.padEnd(widths[index] as number)).join("")}`;
  const lines = [`${head.padEnd(right - 3)}server`];
  for (const step of steps) {
    const { client, direction } = step;
    const text = markedText(step);
    const own = direction === "both" ? 0 : clients.indexOf(client);
    const from = positions[own] ?? 1;
    const room = right - from - 6;
    const rows = wrap(text, room);
    const last = rows.pop() ?? "";
    for (const row of rows) lines.push(textLine(positions, right, from + 2, row));
    lines.push(arrowLine(positions, right, from, direction, last));
  }
  return lines;
}

/** A line without an arrow: lifelines, and a text between them. */
function textLine(positions: readonly number[], right: number, start: number, text: string): string {
  const cells = blank(positions, right);
  return put(cells, start, [...text]);
}

function arrowLine(
  positions: readonly number[],
  right: number,
  from: number,
  direction: SequenceStep["direction"],
  text: string,
): string {
  const cells = blank(positions, right);
  const room = right - from - 1;
  const fill = (char: string, taken: number) => char.repeat(Math.max(room - taken, 1));
  const size = columns(text);
  const shaft = {
    to: `─ ${text} ${fill("─", size + 4)}▶`,
    from: `◀${fill("─", size + 4)} ${text} ─`,
    lost: `✗${fill("╌", size + 4)} ${text} ╌`,
    both: `═ ${text} ${fill("═", size + 3)}`,
  }[direction];
  return put(cells, from + 1, [...shaft]);
}

function blank(positions: readonly number[], right: number): string[] {
  const cells = Array.from({ length: right + 1 }, () => " ");
  for (const position of [...positions, right]) cells[position] = "│";
  return cells;
}

function put(cells: string[], start: number, text: readonly string[]): string {
  cells.splice(start, text.length, ...text);
  return cells.join("");
}

function drawOneLifeline(steps: readonly SequenceStep[], right: number): string[] {
  return [
    `clients${" ".repeat(Math.max(right - 10, 1))}server`,
    ...steps.flatMap((step) => {
      const { client, direction } = step;
      const text = markedText(step);
      const rows = wrap(direction === "both" ? text : `${client}: ${text}`, right - 7);
      const last = rows.pop() ?? "";
      return [...rows.map((row) => textLine([1], right, 3, row)), arrowLine([1], right, 1, direction, last)];
    }),
  ];
}

const sumTo = (numbers: readonly number[], index: number) =>
  numbers.slice(0, index).reduce((sum, number) => sum + number, 0);
