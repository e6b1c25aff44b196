/** Draws measured values as horizontal bars in SVG: at build time, in the colours of the page. */
import { escaped } from "./sequence.js";

/** A value, with the minimum and the maximum of its rounds. */
export interface Bar {
  /** Short text to the left of the bar, such as a position on an axis; may be empty. */
  label: string;
  value: number;
  low: number;
  high: number;
  /** Text of the value, to the right of the bar. */
  text: string;
  /** Whether the bar is grey: for values of other projects. */
  pale?: boolean;
}

/** Bars under a common name. The name is empty if it would only repeat the heading. */
export interface BarGroup {
  name: string;
  bars: readonly Bar[];
}

/** Maps a value to its position on the axis, from 0 at the left to 1 at the right. */
export interface Scale {
  logarithmic: boolean;
  at: (value: number) => number;
  ticks: number[];
}

/** Maximum ratio of two values on a linear scale; above it the short bars would be invisible. */
const MAX_LINEAR_RATIO = 30;
const MAX_TICKS = 6;

/**
 * Returns a linear scale from zero, or a logarithmic one if the largest value exceeds 30 times the smallest positive
 * one.
 */
export function scaleOf(groups: readonly BarGroup[]): Scale {
  const bars = groups.flatMap((group) => group.bars);
  const most = Math.max(...bars.map(({ high }) => high));
  const values = bars.map(({ value }) => value).filter((it) => it > 0);
  if (Math.max(...values) > MAX_LINEAR_RATIO * Math.min(...values)) {
    const lows = bars.map(({ low }) => low).filter((it) => it > 0);
    return logarithmic(Math.min(...values, ...lows), most);
  }
  return linear(most > 0 ? most : 1);
}

function linear(most: number): Scale {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((it) => it * power).find((it) => most / it < MAX_TICKS) as number;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return { logarithmic: false, at: (value) => within(value / most), ticks };
}

function logarithmic(least: number, most: number): Scale {
  // The axis begins below the smallest value, so that the bar of this value is visible.
  const first = Math.floor(Math.log10(least / 1.5));
  const decades = Math.log10(most) - first;
  const every = Math.ceil((decades + 1) / MAX_TICKS);
  const ticks = Array.from({ length: Math.floor(decades / every) + 1 }, (_, index) => 10 ** (first + index * every));
  const at = (value: number) => (value > 0 ? within((Math.log10(value) - first) / decades) : 0);
  return { logarithmic: true, at, ticks };
}

const within = (part: number) => Math.min(Math.max(part, 0), 1);

// Heights are pixels; widths are percentages of the page width, so that a phone shows letters of the same size.
const AXIS = 20;
const NAME = 20;
const ROW = 18;
const BAR = 12;
const GAP = 6;
// Widths on a phone: the numbers after the bars, and the labels with the space after them.
const NUMBERS = 26;
const CHARACTER = 2.2;
const SPACE = 2;

/**
 * Returns inline SVG without empty lines, so that Markdown treats it as one block. `label` describes it for screen
 * readers.
 */
export function drawBars(groups: readonly BarGroup[], label: string, scale = scaleOf(groups)): string {
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map((bar) => bar.label.length)));
  const left = longest === 0 ? 0 : longest * CHARACTER + SPACE;
  const x = (part: number) => left + part * (100 - NUMBERS - left);
  let y = AXIS;
  const drawn: string[] = [];
  for (const { name, bars } of groups) {
    if (name !== "") {
      drawn.push(`<text class="name" x="0" y="${y + 14}">${escaped(name)}</text>`);
      y += NAME;
    }
    for (const bar of bars) {
      drawn.push(row(bar, y, x, scale));
      y += ROW;
    }
    y += GAP;
  }
  const ticks = scale.ticks.map((tick, index) => {
    const at = percent(x(scale.at(tick)));
    // A text that is centred on the left edge would be cut in half.
    const start = index === 0 && left === 0 ? ' class="tick start"' : ' class="tick"';
    return `<line class="grid" x1="${at}" x2="${at}" y1="${AXIS - 4}" y2="${y}"/><text${start} x="${at}" y="11">${short(tick)}</text>`;
  });
  return `<svg class="bars" width="100%" height="${y}" role="img" aria-label="${escaped(label)}">${ticks.join("")}${drawn.join("")}</svg>`;
}

function row({ label, value, low, high, text, pale }: Bar, top: number, x: (part: number) => number, scale: Scale) {
  const [start, end, from, to] = [0, scale.at(value), scale.at(low), scale.at(high)].map(x) as [
    number,
    number,
    number,
    number,
  ];
  const base = top + BAR - 1;
  return [
    label === "" ? "" : `<text class="label" x="${percent(start)}" dx="-6" y="${base}">${escaped(label)}</text>`,
    `<rect class="${pale ? "value pale" : "value"}" x="${percent(start)}" width="${percent(end - start)}" y="${top}" height="${BAR}"/>`,
    // A tiny spread is still visible as a mark.
    low === high
      ? ""
      : `<rect class="spread" x="${percent(from)}" width="${percent(Math.max(to - from, 0.4))}" y="${top + BAR / 2 - 1}" height="2"/>`,
    `<text x="${percent(low === high ? end : Math.max(to, end))}" dx="6" y="${base}">${escaped(text)}</text>`,
  ].join("");
}

const percent = (it: number) => `${Number(it.toFixed(2))}%`;

/** Formats a number briefly, such as "10K", since there is little room between two ticks. */
const short = (it: number) => it.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });
