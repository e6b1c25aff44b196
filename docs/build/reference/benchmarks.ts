import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchResult, Figure } from "../../../conformance/benchmarks/figure.js";
import { number } from "../../../conformance/benchmarks/table.js";
import { escaped, figureAnchor, figureSection, ratio } from "./benchmark-figure.js";
import { BENCHMARKS, measurementPage } from "./measurements.js";

/** The sections of the benchmark, which are the first parts of its ids. */
const SECTIONS: Record<string, { title: string; about: string }> = {
  server: {
    title: "Server",
    about:
      "The reference server over HTTP, against a server of Node's own that does nothing but answer, and against the libraries that one would use instead.",
  },
  growth: {
    title: "Growth",
    about: "What more of everything costs. Nothing must get slower because much is there.",
  },
  suite: {
    title: "Suite",
    about: "How long a run of the suite takes, where its time goes, and what other suites of this kind take.",
  },
  judge: {
    title: "Judge",
    about: "How fast a recorded history is judged, and whether twice the history takes twice the time.",
  },
  delivery: {
    title: "Delivery",
    about:
      "What a device goes through that comes back online: the same backlog and the same bad networks, and several ways to deliver it. The other ways are compared with Seq Sync in pages of 1,000; where one of them is better by more than a twentieth, its number is bold.",
  },
};

/** What was measured, for people. Without a result it says how to make one. */
export function benchmarksPage(root: string): string {
  const path = join(root, BENCHMARKS.file);
  if (!existsSync(path)) return measurementPage(root, BENCHMARKS);
  const result = JSON.parse(readFileSync(path, "utf8")) as BenchResult;
  const names = [...new Set(result.figures.map(sectionOf))];
  return [
    `# ${BENCHMARKS.title}`,
    "",
    `${BENCHMARKS.about} Everything was measured on one machine, and rounds of what is compared alternate: proportions say more than`,
    "the numbers do, which will be others elsewhere. A bar is the median of all rounds, and the line across its end goes from the lowest",
    "to the highest of them. Bars of this project are coloured, those of others grey.",
    "",
    ...machine(result),
    "",
    "## Goals",
    "",
    ...goals(result.figures),
    "",
    ...names.flatMap((name) => section(name, result.figures)),
    ...skipped(result),
    "## Measure again",
    "",
    "In a clone, on a machine that does nothing else:",
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
    `| rounds | ${rounds}, where the numbers of a figure say no other${quick ? ", and of each axis only a part (`--quick`)" : ""} |`,
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
      ? "Nothing that was measured has a goal."
      : missed === 0
        ? `All ${all.length} are met.`
        : `${all.length - missed} of ${all.length} are met, ${missed} missed.`,
    "",
    ...(all.length === 0 ? [] : ["| what | goal | measured |", "| --- | ---: | ---: |"]),
    ...all.map(({ figure, comparison, goal }) =>
      [
        `| [${escaped(figure.name)}](#${figureAnchor(figure.id)})<br>${escaped(comparison.of)}`,
        // Whether it is met stands where a phone shows it too, and the spread on a line of its own.
        `${goal.is === "at least" ? "≥" : "≤"}&nbsp;${number(goal.value)}<br>${comparison.met ? "met" : "**missed**"}`,
        `${ratio(comparison).replace(" ", "<br>")} |`,
      ].join(" | "),
    ),
  ];
}

function section(name: string, figures: readonly Figure[]): string[] {
  const known = SECTIONS[name];
  if (known === undefined) throw new Error(`docs/build/reference/benchmarks.ts does not know the section ${name}`);
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
