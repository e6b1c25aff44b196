/** A figure of the benchmarks as Markdown: its meaning, a chart, comparisons, and the numbers. */
import type { Comparison, Figure, Value } from "../../../conformance/benchmarks/figure.js";
import { number } from "../../../conformance/benchmarks/table.js";
import { anchor } from "../anchors.js";
import { type BarGroup, drawBars, scaleOf } from "../diagrams/bars.js";

/** Names of the implementations that ours is compared with, drawn in grey. */
const OTHERS = /^(bare|@|undici|plain data|an ack for each|MQTT|graphql)/;

/** A ratio below this counts as better, as in the summary of the benchmark. */
const BETTER = 0.95;

/** Maximum number of comparisons in a list; more are shown as a table. */
const MAX_LINES = 6;

export const figureAnchor = (id: string): string => `bench-${id.replaceAll("/", "-")}`;

/** Returns the section of a figure. Omits meaning and conditions if `before`, the previous figure, has the same. */
export function figureSection(figure: Figure, before: Figure | undefined): string[] {
  const { id, name, meaning, conditions, why, values, comparisons } = figure;
  const introduction = [
    ...(meaning === before?.meaning ? [] : [escaped(meaning)]),
    ...(conditions === undefined
      ? []
      : [`Conditions${conditions === before?.conditions ? " as above" : `: ${escaped(conditions)}`}.`]),
  ];
  return [
    `### ${escaped(name)}`,
    "",
    anchor(figureAnchor(id)) + introduction.join(" "),
    "",
    ...chart(figure),
    "",
    ...(comparisons.length > MAX_LINES && comparisons.every(({ goal }) => goal === undefined)
      ? comparisonTable(comparisons)
      : comparisons.map((it) => `- ${escaped(it.of)}: ${ratio(it)}${verdict(it)}`)),
    "",
    ...(why !== undefined && comparisons.some(({ met }) => met === false) ? [`Reason: ${escaped(why)}`, ""] : []),
    "<details><summary>Numbers</summary>",
    "",
    ...numbers(values),
    "",
    "</details>",
    "",
  ];
}

/** Formats a ratio, such as "0.66 (0.54–0.85)". */
export const ratio = ({ ratio: it, low, high }: Comparison): string => `${number(it)}${spread(low, high)}`;
const spread = (low: number, high: number) => (low === high ? "" : ` (${number(low)}–${number(high)})`);
const verdict = ({ goal, met }: Comparison) =>
  goal === undefined ? "" : `; goal: ${goal.is} ${number(goal.value)}, ${met ? "met" : "**missed**"}`;

function chart({ name, unit, better, values }: Figure): string[] {
  const owners = [...new Set(values.map(({ of }) => of))];
  const groups = owners.map(
    (of): BarGroup => ({
      name: owners.length === 1 && values.length > 1 ? "" : of,
      bars: values
        .filter((it) => it.of === of)
        .map(({ x, median, low, high, calculated }) => ({
          // The position of a single value is shown only in the table.
          label: values.length === owners.length || x === undefined ? "" : x.toLocaleString("en"),
          value: median,
          low,
          high,
          text: `${number(median)}${calculated === undefined ? "" : " *"}`,
          pale: OTHERS.test(of),
        })),
    }),
  );
  const scale = scaleOf(groups);
  const axes = values.length === owners.length ? [] : axesOf(values);
  const caption = [
    `${unit}, ${better} is better`,
    ...(axes.length === 0 ? [] : [`; on the left: ${axes.join(", ")}`]),
    ...(scale.logarithmic ? ["; <strong>logarithmic scale</strong>"] : []),
    ...(values.some(({ calculated }) => calculated !== undefined) ? ["; * calculated from a smaller measurement"] : []),
  ].join("");
  const label = `${name}, ${unit}, ${better} is better. ${owners.map((of) => describeEnds(of, values)).join("; ")}.`;
  return [
    `<figure class="diagram">`,
    `<figcaption>${caption}</figcaption>`,
    drawBars(groups, label, scale),
    "</figure>",
  ];
}

/** Describes the first and the last value in words. */
function describeEnds(of: string, values: readonly Value[]): string {
  const own = values.filter((it) => it.of === of);
  const ends = own.length > 1 ? [own[0] as Value, own.at(-1) as Value] : own;
  const texts = ends.map(({ median, x, xName }) =>
    x === undefined ? number(median) : `${number(median)} at ${x.toLocaleString("en")} ${xName}`,
  );
  return `${of} ${texts.join(", ")}`;
}

const axesOf = (values: readonly Value[]) => [
  ...new Set(values.map(({ xName }) => xName).filter((it) => it !== undefined)),
];

/** Returns a table with the parts before the slash as rows, and those after it as columns. */
function comparisonTable(comparisons: readonly Comparison[]): string[] {
  const parts = comparisons.map(({ of }) => of.split(" / ") as [string, string]);
  const rows = [...new Set(parts.map(([row]) => row))];
  const columns = [...new Set(parts.map(([, column]) => column))];
  // All columns are the same implementation under different conditions.
  const [first = ""] = columns;
  const common = first.slice(0, first.lastIndexOf(", "));
  const isCommon = columns.every((it) => it.startsWith(`${common}, `));
  const cell = (row: string, column: string) => {
    const found = comparisons.find(({ of }) => of === `${row} / ${column}`);
    if (found === undefined) return "";
    return found.ratio < BETTER ? `**${ratio(found)}**` : ratio(found);
  };
  return [
    `Relative to ${isCommon ? escaped(common) : "the column"}; ratios below ${BETTER} are bold.`,
    "",
    `| | ${columns.map((it) => escaped(isCommon ? it.slice(common.length + 2) : it)).join(" | ")} |`,
    `| --- |${" ---: |".repeat(columns.length)}`,
    ...rows.map((row) => `| ${escaped(row)} | ${columns.map((column) => cell(row, column)).join(" | ")} |`),
  ];
}

function numbers(values: readonly Value[]): string[] {
  const axes = axesOf(values);
  const further = [...new Set(values.flatMap(({ also = {} }) => Object.keys(also)))];
  const calculated = values.some((it) => it.calculated !== undefined);
  const head = ["median", "lowest", "highest", "rounds", ...further];
  return [
    `| | ${[...axes, ...head].map(escaped).join(" | ")} |${calculated ? " calculated |" : ""}`,
    `| --- |${" ---: |".repeat(axes.length + head.length)}${calculated ? " --- |" : ""}`,
    ...values.map((it) => {
      const cells = [
        ...axes.map((axis) => (it.xName === axis ? (it.x?.toLocaleString("en") ?? "") : "")),
        ...[it.median, it.low, it.high, it.rounds.length].map(number),
        ...further.map((key) => shown(it.also?.[key])),
        ...(calculated ? [escaped(it.calculated ?? "")] : []),
      ];
      return `| ${[escaped(it.of), ...cells].join(" | ")} |`;
    }),
  ];
}

const shown = (it: number | string | undefined) =>
  it === undefined ? "" : typeof it === "number" ? number(it) : escaped(it);

/** Escapes characters that Markdown or TypeDoc would interpret as markup. */
export const escaped = (text: string): string => text.replace(/[<*_|@]/g, "\\$&");
