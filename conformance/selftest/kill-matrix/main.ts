import "../../../proto/base64.js";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseShard, type Shard } from "../../cli/shard.js";
import { MUTANTS, type Mutant } from "../mutants/index.js";
import { count, exitWithUsage, oneOf, parseCommandLine, patterns } from "../support/command-line.js";
import { runTasks } from "../support/pool.js";
import { EXTENTS, type MutantResult, needsThorough } from "./examine.js";
import { baselineCandidates, casesWithoutKills, countByKind, missingExpectations, problemsOf } from "./matrix.js";
import { MATRIX_FILE, readMatrix, recordOf, writeMatrix } from "./matrix-file.js";
import { line, table } from "./table.js";
import type { Task } from "./worker.js";

const USAGE = `Usage: npm run kill-matrix -- [options]

Runs the suite against every mutant (a server that is faulty on purpose) and against the correct reference server.
Each mutant must be killed, that is, a case must fail; and for at least 95 % of them the broken requirement must be
blamed, and be the first one that a report shows.

Options:
  --only PATTERN   only mutants whose name or requirement matches this regular expression; repeatable
  --shard I/N      only each N-th of these mutants, from the I-th
  --extent EXTENT  the cases that run against each mutant (default: whole)
                     quick  the cases about the broken requirement, in the plain form; without the mutants that show
                            only if something varies, unless --only selects them
                     whole  also every other case in one codec, except those with very many messages
                     full   every case in every codec
                   If the broken requirement is not blamed, the remaining cases run as well.
  --thorough       also run the mutants that show only with large volumes or after long times, and the thorough cases and
                   random programs against each mutant that is not blamed without them; takes long
  --json FILE      write the matrix as JSON Lines
  --against FILE   earlier matrix, whose expectations must fail again on the same mutants
                   (default: ${MATRIX_FILE})
  --processes N    number of processes (default: one for each core)
  --limit SECONDS  maximum time for one run of the suite (default: 100)
  --quiet          print no progress
  --help           print this help

Exit codes:
  0  no problems
  1  problems: a mutant survived, wrong blame or order, a false positive, a missing expectation, a case without kills, or an
     error of the suite
  2  invalid usage`;

/** Mutants that one process examines at a time. */
const TASKS_PER_PROCESS = 2;
/** The same for mutants that show after long times: they mostly wait. */
const WAITING_TASKS_PER_PROCESS = 12;

const flags = parseCommandLine(USAGE, {
  only: { type: "string", multiple: true },
  shard: { type: "string", default: "1/1" },
  extent: { type: "string", default: "whole" },
  thorough: { type: "boolean", default: false },
  json: { type: "string" },
  against: { type: "string", default: MATRIX_FILE },
  processes: { type: "string", default: `${availableParallelism()}` },
  limit: { type: "string", default: "100" },
  quiet: { type: "boolean", default: false },
});
const only = patterns("only", flags.only);
const options = {
  extent: oneOf("extent", flags.extent, EXTENTS),
  limit: count("limit", flags.limit),
  thorough: flags.thorough,
};
const processes = count("processes", flags.processes);
const selected = MUTANTS.filter(
  ({ name, breaks }) => only?.some((pattern) => pattern.test(name) || pattern.test(breaks)) ?? true,
);

const kinds = new Map(MUTANTS.map(({ name, kind }) => [name, kind]));
const isLeftOut = (mutant: Mutant) =>
  needsThorough(mutant) || (options.extent === "quick" && only === undefined && mutant.kind !== undefined);
const left = flags.thorough ? [] : selected.filter(isLeftOut);
const candidates = selected.filter((it) => !left.includes(it));
const shard = readShard(flags.shard);
const chosen = candidates.filter((_mutant, at) => at % shard.of === shard.index - 1);

process.exitCode = await makeMatrix(chosen);

function readShard(text: string): Shard {
  try {
    return parseShard(text);
  } catch {
    return exitWithUsage(`--shard must be i/n, such as 2/3, not "${text}"`);
  }
}

/** Examines the mutants, prints and writes the matrix, and returns the exit code. */
async function makeMatrix(mutants: readonly Mutant[]): Promise<number> {
  const started = new Date();
  const earlier = existsSync(flags.against) ? readMatrix(flags.against).mutants : [];
  const races = new Set(mutants.filter(({ race }) => race).map(({ name }) => name));
  const byName = new Map<string, MutantResult>();
  const run = async (tasks: readonly Task[], onResult: (result: MutantResult) => void) => {
    const isWaiting = ({ name }: Task) => kinds.get(name) === "times";
    const pool = { worker: "kill-matrix/worker", processes };
    const waiting = tasks.filter(isWaiting);
    await Promise.all([
      runTasks<Task, MutantResult>(
        tasks.filter((it) => !isWaiting(it)),
        { ...pool, tasksPerProcess: TASKS_PER_PROCESS },
        onResult,
      ),
      ...(waiting.length === 0
        ? []
        : [
            runTasks<Task, MutantResult>(
              waiting,
              { ...pool, processes: 1, tasksPerProcess: WAITING_TASKS_PER_PROCESS },
              onResult,
            ),
          ]),
    ]);
  };

  await run(
    ["", ...mutants.map(({ name }) => name)].map((name) => ({ name, ...options })),
    (result) => {
      byName.set(result.name, result);
      if (!flags.quiet) console.error(line(result));
    },
  );
  const results = mutants.flatMap(({ name }) => byName.get(name) ?? []);
  const findMissing = () => missingExpectations(results, earlier, races);

  // An expectation may be missing by chance, so its case runs again before it is reported.
  await run(
    findMissing().map(({ name }) => ({
      name,
      expectations: earlier.find((it) => it.name === name)?.baseline ?? [],
      ...options,
    })),
    ({ name, failedExpectations }) => {
      const result = byName.get(name);
      result?.failedExpectations.push(...failedExpectations.filter((it) => !result.failedExpectations.includes(it)));
    },
  );
  if (flags.json !== undefined) await findBaseline(results.filter(({ name }) => !races.has(name)));

  const control = byName.get("control");
  const problems = [
    ...problemsOf(results, control, findMissing()),
    // A selection of mutants or cases does not show which cases kill no mutant.
    ...(only === undefined && shard.of === 1 && options.extent !== "quick"
      ? casesWithoutKills(results.map(recordOf), options)
      : []),
  ];
  const seconds = Math.round((Date.now() - started.getTime()) / 1000);
  if (flags.json !== undefined)
    writeMatrix(flags.json, results, {
      date: started.toISOString(),
      extent: options.extent,
      seconds,
      falsePositives: (control?.findings ?? []).map((it) => `${it.case}: ${it.requirement}`),
    });
  const byKind = countByKind(results.map(({ name, killedBy }) => ({ kind: kinds.get(name), killedBy })));
  console.log(table(results, problems, byKind));
  if (left.length > 0)
    console.log(
      `${left.length} mutants that show only if something varies, or in a thorough run, were not run; --thorough runs them.`,
    );
  if (chosen.length < candidates.length)
    console.log(`${candidates.length - chosen.length} mutants are in other shards (--shard ${flags.shard}).`);
  console.log(`${seconds} s`);
  return problems.length === 0 ? 0 : 1;

  /**
   * Adds to the baseline the expectations that fail again when only their cases run: they do not depend on the other
   * cases.
   */
  async function findBaseline(candidates: readonly MutantResult[]): Promise<void> {
    await run(
      candidates
        .filter((it) => baselineCandidates(it).length > 0)
        .map((it) => ({ name: it.name, expectations: baselineCandidates(it), attempts: 1, ...options })),
      ({ name, failedExpectations }) => {
        const result = byName.get(name);
        result?.baseline.push(...baselineCandidates(result).filter((it) => failedExpectations.includes(it)));
      },
    );
  }
}
