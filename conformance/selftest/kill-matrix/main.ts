import "../../../proto/base64.js";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { MUTANTS } from "../mutants/index.js";
import { type Soak, soak } from "../soak/soak.js";
import { EXTENTS, type Extent, type MutantResult } from "./examine.js";
import { candidates, casesWithoutKills, lost, type Matrix, matrixOf, shortcomings } from "./matrix.js";
import { spread } from "./pool.js";
import { line, table } from "./table.js";
import type { Task } from "./worker.js";

/** Faulty servers that one process examines at a time. */
const AT_ONCE = 2;

const USAGE = `npm run proof -- [options]
Runs the suite against every faulty server of the zoo. Exit code 1 if one is not caught, or if the blame is right too seldom.

  --only PATTERN   only faults whose name or requirement matches this regular expression; again for more
  --extent EXTENT  whole (default): every case in one codec, those that compute long only where they matter;
                   quick: the cases about the broken requirement; full: every case in every codec.
                   Where the broken requirement is not blamed then, all others run too
  --json FILE      write the matrix
  --against FILE   the matrix that this one is held against: an expectation of a case that caught something then and does not
                   now is told. Default docs/data/proof.json
  --processes N    default: one for each core; with --soak three, so that each has to wait for one
  --limit SECONDS  most time for one run of the suite, default 100
  --soak           instead: the suite against right servers, on a machine that is kept busy by that; --only chooses servers
  --rounds N       with --soak: how often, each time with another seed, default 100
  --continue FILE  with --soak: goes on where the soak stopped whose result this is, and counts its runs
  --minutes N      with --soak: begins no further run after this time, default 60
  --quiet          no line for each fault as it ends`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    extent: { type: "string", default: "whole" },
    json: { type: "string" },
    against: { type: "string", default: "docs/data/proof.json" },
    processes: { type: "string" },
    limit: { type: "string", default: "100" },
    soak: { type: "boolean", default: false },
    rounds: { type: "string", default: "100" },
    continue: { type: "string" },
    minutes: { type: "string", default: "60" },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help || !(EXTENTS as readonly string[]).includes(flags.extent)) {
  console.log(USAGE);
  process.exitCode = flags.help ? 0 : 2;
} else process.exitCode = await (flags.soak ? endure() : prove());

async function endure(): Promise<number> {
  const only = flags.only === undefined ? undefined : new RegExp(flags.only.join("|"));
  const processes = Number(flags.processes ?? 3 * availableParallelism());
  const write = (soFar: Soak) => {
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(soFar, null, 2)}\n`);
  };
  const earlier = flags.continue === undefined ? undefined : (JSON.parse(readFileSync(flags.continue, "utf8")) as Soak);
  const options = { rounds: Number(flags.rounds), minutes: Number(flags.minutes), processes, only, earlier };
  // It takes hours: what it has found so far is written after each run.
  const result = await soak(options, (text, soFar) => {
    write(soFar);
    if (!flags.quiet) console.error(text);
  });
  write(result);
  for (const { name, runs, cases, falseAlarms, inconclusive } of result.servers)
    console.log(`${name}: ${runs} runs, ${cases} cases, ${falseAlarms} false alarms, ${inconclusive} inconclusive`);
  for (const alarm of result.falseAlarms) console.log(alarm);
  return result.falseAlarms.length === 0 ? 0 : 1;
}

async function prove(): Promise<number> {
  const patterns = flags.only?.map((pattern) => new RegExp(pattern));
  const chosen = MUTANTS.filter(
    ({ name, breaks }) => patterns?.some((pattern) => pattern.test(name) || pattern.test(breaks)) ?? true,
  );
  const examined = new Map<string, MutantResult>();
  const started = performance.now();
  const extent = { extent: flags.extent as Extent["extent"], limit: Number(flags.limit) };
  const processes = Number(flags.processes ?? availableParallelism());
  const earlier = existsSync(flags.against) ? (JSON.parse(readFileSync(flags.against, "utf8")) as Matrix) : undefined;
  const run = (tasks: readonly Task[], onAnswer: (it: MutantResult) => void) =>
    spread<Task, MutantResult>(tasks, { worker: "worker", processes, atOnce: AT_ONCE }, onAnswer);

  await run(
    ["", ...chosen.map(({ name }) => name)].map((name) => ({ name, ...extent })),
    (it) => {
      examined.set(it.name, it);
      if (!flags.quiet) console.error(line(it));
    },
  );
  // In the order of the zoo, whatever ended first.
  const faults = chosen.flatMap(({ name }) => examined.get(name) ?? []);
  const races = new Set(chosen.filter(({ race }) => race).map(({ name }) => name));
  const findLost = () => (earlier === undefined ? [] : lost(faults, earlier, races));
  const steadyOf = (fault: string) => earlier?.mutants.find(({ name }) => name === fault)?.baseline ?? [];
  // What chance decides is tried again before anything is said.
  await run(
    findLost().map(({ name }) => ({ name, again: steadyOf(name), ...extent })),
    ({ name, own }) => {
      const it = examined.get(name);
      it?.own.push(...own.filter((found) => !it.own.includes(found)));
    },
  );
  // What others will be held to has to come again in a small company: what depends on all other cases does not.
  if (flags.json !== undefined)
    await run(
      faults
        .filter((it) => !races.has(it.name) && candidates(it).length > 0)
        .map((it) => ({ name: it.name, again: candidates(it), tries: 1, ...extent })),
      ({ name, own }) => {
        const it = examined.get(name);
        it?.baseline.push(...candidates(it).filter((found) => own.includes(found)));
      },
    );
  const matrix = matrixOf(faults, examined.get("control"));
  const missing = [
    ...shortcomings(matrix, findLost()),
    // A choice says nothing about the cases that it does not concern.
    ...(patterns === undefined && extent.extent !== "quick" ? casesWithoutKills(matrix) : []),
  ];
  // A fault that breaks everything has a thousand findings; the first few say what it is.
  const brief = { ...matrix, faults: matrix.mutants.map((it) => ({ ...it, findings: it.findings.slice(0, 3) })) };
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(brief, null, 2)}\n`);
  console.log(table(matrix, missing));
  console.log(`${Math.round((performance.now() - started) / 1000)} s`);
  return missing.length === 0 ? 0 : 1;
}
