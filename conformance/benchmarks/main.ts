import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { parseArgs } from "node:util";
import { compile } from "../selftest/support/compile.js";
import { currentCommit, formatData } from "../selftest/support/data.js";
import { benchDelivery } from "./delivery.js";
import type { BenchResult, Figure } from "./figure.js";
import { benchGrowth } from "./growth.js";
import { benchJudge } from "./judge.js";
import { benchServer } from "./server.js";
import type { Settings } from "./settings.js";
import { benchSuite } from "./suite.js";
import { table } from "./table.js";

const SECTIONS: Record<string, (settings: Settings) => Promise<Figure[]>> = {
  server: benchServer,
  growth: benchGrowth,
  suite: benchSuite,
  judge: benchJudge,
  delivery: benchDelivery,
};

const USAGE = `npm run bench -- [options]
Measures the reference server, the suite, the judge and the protocol, and compares them with similar software. It is
not a test: it prints the values and the missed goals. Exit code 1 if a section could not be measured.

  --only NAME   only figures whose id begins with NAME, such as server/send; may be repeated. Sections: ${Object.keys(SECTIONS).join(", ")}
  --quick       one round, and only a part of each axis: about two minutes
  --long        also figures that take minutes, such as a history of 10,000,000 events
  --rounds N    number of rounds; default 5
  --json FILE   write the result as JSON
  --profile DIR write a CPU profile of each measured server, for the developer tools of Chrome`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    json: { type: "string" },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** Whether a section or a figure is selected, by the beginning of its id; a section also by the id of a figure. */
const wants = (id: string) => flags.only?.some((it) => id.startsWith(it) || it.startsWith(`${id}/`)) ?? true;
const sections = Object.entries(SECTIONS).filter(([name]) => wants(name));
const rounds = flags.quick ? 1 : Number(flags.rounds);
if (flags.help || sections.length === 0 || !(Number.isInteger(rounds) && rounds >= 1)) {
  console.log(USAGE);
  process.exitCode = flags.help ? 0 : 2;
} else process.exitCode = await bench();

// Exits normally, so that child processes do not outlive it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

async function bench(): Promise<number> {
  const [cpu] = cpus();
  const started = performance.now();
  const result: BenchResult = {
    format: 1,
    measuredAt: new Date().toISOString(),
    commit: currentCommit(),
    machine: {
      cpu: cpu?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      os: `${type()} ${release()}`,
      node: process.version,
      loadAverageAtStart: loadavg()[0] as number,
    },
    quick: flags.quick,
    rounds,
    seconds: 0,
    figures: [],
    skipped: [],
  };
  const settings: Settings = {
    compiled: compile(),
    rounds,
    quick: flags.quick,
    long: flags.long,
    profile: flags.profile,
    wants,
    progress: (line) => console.error(`… ${line}`),
    skip: (id, why) => {
      console.error(`not measured: ${id}: ${why}`);
      result.skipped.push({ id, why });
    },
  };
  let failed = 0;
  for (const [name, section] of sections) {
    settings.progress(name);
    try {
      const figures = await section(settings);
      for (const figure of figures) console.log(`\n${table(figure)}`);
      result.figures.push(...figures);
    } catch (error) {
      failed += 1;
      settings.skip(name, String(error));
    }
    // After each section, so that an interrupted run leaves a result.
    result.seconds = Math.round((performance.now() - started) / 1000);
    if (flags.json !== undefined) writeFileSync(flags.json, formatData(result));
  }
  const missed = result.figures.flatMap(({ id, comparisons }) =>
    comparisons.filter(({ met }) => met === false).map(({ of }) => `${id}: ${of}`),
  );
  console.log(`\n${missed.length === 0 ? "All goals met." : `Goals missed:\n  ${missed.join("\n  ")}`}`);
  const slower = result.figures.flatMap(({ id, comparisons }) =>
    id.startsWith("delivery/")
      ? comparisons
          .filter(({ of, ratio }) => ratio < 0.95 && !of.startsWith("Seq Sync"))
          .map(({ of }) => `${id}: ${of}`)
      : [],
  );
  if (slower.length > 0)
    console.log(`\nSeq Sync with pages of 1,000 is slower than others in:\n  ${slower.join("\n  ")}`);
  console.log(`${result.seconds} s`);
  return failed === 0 ? 0 : 1;
}
