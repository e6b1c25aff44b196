import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchResult, Figure } from "../../../conformance/benchmarks/figure.js";
import { number } from "../../../conformance/benchmarks/table.js";
import { escaped, figureAnchor, figureSection, ratio } from "./benchmark-figure.js";
import { BENCHMARKS, measurementPage } from "./measurements.js";

/** Titles and introductions of the sections, by the first part of the ids of their figures. */
const SECTIONS: Record<string, { title: string; about: string }> = {
  server: {
    title: "Server",
    about:
      "The reference server over HTTP, compared with a minimal server on `node:http` that sends a fixed response, and with alternative libraries.",
  },
  growth: {
    title: "Growth",
    about:
      "The cost of a call and of stored data, as their amount grows. No call may become slower because much data is stored.",
  },
  suite: {
    title: "Suite",
    about: "The duration of a run of the suite, its parts, and the duration of comparable suites.",
  },
  judge: {
    title: "Judge",
    about: "The speed of judging a recorded history, and whether the time is proportional to its length.",
  },
  delivery: {
    title: "Delivery",
    about:
      "The time until a device that reconnects has its messages, by several protocols, with the same backlogs over the same unreliable networks. The other protocols are compared with Seq Sync in pages of 1,000; a number is bold if the other protocol is better by more than 5 %.",
  },
};

/** Returns the page of the benchmarks. Without a result it shows the command that makes one. */
export function benchmarksPage(root: string): string {
  const path = join(root, BENCHMARKS.file);
  if (!existsSync(path)) return measurementPage(root, BENCHMARKS);
  const result = JSON.parse(readFileSync(path, "utf8")) as BenchResult;
  const names = [...new Set(result.figures.map(sectionOf))];
  return [
    `# ${BENCHMARKS.title}`,
    "",
    `${BENCHMARKS.about} Everything was measured on one machine, and the rounds of compared values alternate. Ratios are more`,
    "meaningful than absolute numbers, which differ from machine to machine. A bar shows the median of all rounds, and the line across",
    "its end extends from the lowest to the highest. Bars of this project are coloured, those of others are grey.",
    "",
    ...machine(result),
    "",
    "## Goals",
    "",
    ...goals(result.figures),
    "",
    ...names.flatMap((name) => section(name, result.figures)),
    ...skipped(result),
    "## Repeat the measurement",
    "",
    "In a clone, on an otherwise idle machine:",
    "",
    "```sh",
    BENCHMARKS.command,
    "```",
    "",
  ].join("\n");
}

const sectionOf = ({ id }: Figure) => id.split("/", 1)[0] as string;

function machine({ measuredAt, commit, machine: it, rounds, quick, seconds, figures }: BenchResult): string[] {
  return [
    "| | |",
    "| --- | --- |",
    `| measured | ${minuteOf(measuredAt)} with commit ${commit}, for ${Math.ceil(seconds / 60)} minutes |`,
    ...figures.flatMap((figure) =>
      figure.measuredAt === undefined
        ? []
        : [`| ${escaped(figure.id)} | ${minuteOf(figure.measuredAt)} with commit ${figure.commit ?? "unknown"} |`],
    ),
    `| machine | ${it.cores} × ${escaped(it.cpu)}, ${it.memoryGiB} GiB, ${escaped(it.os)}, Node ${it.node} |`,
    `| rounds | ${rounds}, unless the table of a figure has another number${quick ? "; only a part of each axis (`--quick`)" : ""} |`,
    `| load average at the start | ${number(it.loadAverageAtStart)} |`,
  ];
}

const minuteOf = (date: string) => `${date.slice(0, 16).replace("T", " ")} UTC`;

function goals(figures: readonly Figure[]): string[] {
  const all = figures.flatMap((figure) =>
    figure.comparisons.flatMap((it) => (it.goal === undefined ? [] : [{ figure, comparison: it, goal: it.goal }])),
  );
  const missed = all.filter(({ comparison }) => !comparison.met).length;
  return [
    all.length === 0
      ? "No figure has a goal."
      : missed === 0
        ? `All ${all.length} goals are met.`
        : `${all.length - missed} of ${all.length} goals are met, ${missed} missed.`,
    "",
    ...(all.length === 0 ? [] : ["| ratio | goal | measured |", "| --- | ---: | ---: |"]),
    ...all.map(({ figure, comparison, goal }) =>
      [
        `| [${escaped(figure.name)}](#${figureAnchor(figure.id)})<br>${escaped(comparison.of)}`,
        // The result is in the second column, which a phone shows without scrolling; the range has its own line.
        `${goal.is === "at least" ? "≥" : "≤"}&nbsp;${number(goal.value)}<br>${comparison.met ? "met" : "**missed**"}`,
        `${ratio(comparison).replace(" ", "<br>")} |`,
      ].join(" | "),
    ),
  ];
}

function section(name: string, figures: readonly Figure[]): string[] {
  const known = SECTIONS[name];
  if (known === undefined) throw new Error(`docs/build/reference/benchmarks.ts has no section ${name}`);
  const own = figures.filter((figure) => sectionOf(figure) === name);
  return [
    `## ${known.title}`,
    "",
    known.about,
    "",
    ...own.flatMap((figure, index) => figureSection(figure, own[index - 1])),
  ];
}

const skipped = ({ skipped: all }: BenchResult) =>
  all.length === 0 ? [] : ["## Not measured", "", ...all.map(({ id, why }) => `- ${escaped(id)}: ${escaped(why)}`), ""];
