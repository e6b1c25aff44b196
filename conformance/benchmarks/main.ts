import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { parseArgs } from "node:util";
import { compile } from "../selftest/support/compile.js";
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
Measures the reference server, the suite, the judge and the protocol itself, and what they are compared with. Nothing in it is a
test: it tells numbers, and which goals they miss. Exit code 1 only if something could not be measured at all.

  --only NAME   only what has an id that begins so, such as server/send; may be repeated. Sections: ${Object.keys(SECTIONS).join(", ")}
  --quick       one round, and of each axis only a part: about two minutes
  --long        also what takes minutes, such as a history of 10,000,000 events
  --rounds N    default 5
  --json FILE   write the result, which explains itself
  --profile DIR write a processor profile of each measured server, for Chrome's developer tools`;

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

/** Of a section it is enough that a part is wanted. */
const wants = (id: string) => flags.only?.some((it) => id.startsWith(it) || it.startsWith(`${id}/`)) ?? true;
const chosen = Object.entries(SECTIONS).filter(([name]) => wants(name));
const rounds = flags.quick ? 1 : Number(flags.rounds);
if (flags.help || chosen.length === 0 || !(Number.isInteger(rounds) && rounds >= 1)) {
  console.log(USAGE);
  process.exitCode = flags.help ? 0 : 2;
} else process.exitCode = await bench();

// Ends in order, so that what was started does not outlive it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

async function bench(): Promise<number> {
  const [cpu] = cpus();
  const started = performance.now();
  const result: BenchResult = {
    format: 1,
    measuredAt: new Date().toISOString(),
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
    say: (line) => console.error(`… ${line}`),
    skip: (id, why) => {
      console.error(`not measured: ${id}: ${why}`);
      result.skipped.push({ id, why });
    },
  };
  let broken = 0;
  for (const [name, section] of chosen) {
    settings.say(name);
    try {
      const figures = await section(settings);
      for (const figure of figures) console.log(`\n${table(figure)}`);
      result.figures.push(...figures);
    } catch (error) {
      broken += 1;
      settings.skip(name, String(error));
    }
    // After each section: a run that is stopped has told what it knew.
    result.seconds = Math.round((performance.now() - started) / 1000);
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result, null, 2)}\n`);
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
    console.log(`\nWhere Seq Sync, in pages of 1,000, is slower than others:\n  ${slower.join("\n  ")}`);
  console.log(`${result.seconds} s`);
  return broken === 0 ? 0 : 1;
}
