import type { Comparison, Figure } from "./figure.js";

/** Formats a figure for a terminal: its values, and then its comparisons. */
export function table({ id, name, unit, values, comparisons }: Figure): string {
  const rows = values.map(({ of, x, xName, median, low, high, calculated, also = {} }) => [
    `  ${of}${x === undefined ? "" : `, ${xName} ${x.toLocaleString("en")}`}`,
    number(median),
    low === high ? "" : `${number(low)}–${number(high)}`,
    calculated === undefined ? "" : "(calculated)",
    Object.entries(also)
      .map(([key, it]) => `${key} ${typeof it === "number" ? number(it) : it}`)
      .join(", "),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : column < 4 ? cell.padStart(widths[column] as number) : cell,
      )
      .join("  ")
      .trimEnd(),
  );
  return [`${name} [${unit}]  ${id}`, ...lines, ...comparisons.map(line)].join("\n");
}

function line({ of, ratio, low, high, goal, met }: Comparison): string {
  const spread = low === high ? "" : ` (${number(low)}–${number(high)})`;
  const verdict = goal === undefined ? "" : `  goal: ${goal.is} ${goal.value}: ${met ? "met" : "MISSED"}`;
  return `  = ${of}: ${number(ratio)}${spread}${verdict}`;
}

/** Formats a number with three significant digits. */
export function number(it: number): string {
  if (!Number.isFinite(it)) return String(it);
  if (Math.abs(it) >= 100) return Math.round(it).toLocaleString("en");
  return Number(it.toPrecision(3)).toString();
}
