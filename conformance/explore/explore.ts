import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import { type Finding, Inconclusive } from "../findings.js";
import { ASPECTS } from "../harness/variation.js";
import { NEEDS, RULES } from "../judge/rules.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SharedConnection } from "../transport/http.js";
import { AbandonedSends } from "./abandoned-sends.js";
import { type Execution, execute } from "./execute.js";
import { programs } from "./generate.js";
import { RECOVERY_MS } from "./outage.js";
import { type FaultLevel, NETWORK_FAULTS, type Program, type Step } from "./program.js";
import { Turns } from "./turns.js";
import { Worker } from "./worker.js";

export interface ExplorationOptions {
  /** URLs of the target. */
  urls: readonly string[];
  /** Options of the connection to the target. */
  connection?: SharedConnection;
  info: GetServerInfoResponse;
  source: AccountSource;
  /** Maximum number of programs. From 1. */
  runs: number;
  /** Time after which no further program starts, in milliseconds. Default: no limit. */
  budgetMs?: number;
  seed: number;
  /** Runs only the program that the `path` of an earlier failure with this seed names. */
  path?: string | undefined;
  /** Number of accounts that programs may use, from 2. Default 8, or as many as there are. */
  accounts?: number;
  /** Number of devices of each account, 1 to 8. Default 2. */
  devices?: number;
  faults: FaultLevel;
  /** Whether programs make inboxes lose their data, if the source of accounts supports it. Default true. */
  rotate?: boolean;
  /** Restarts the server, and resolves once it responds. Default: it is not restarted. */
  restart?: (() => Promise<void>) | undefined;
  /** What varies in requests and messages (harness/variation.ts). Default: everything, in three of four programs. */
  vary?: readonly string[] | undefined;
  /** Maximum number of steps of a program. Default 24. */
  steps?: number;
  /** Time limit for shrinking a failure, in milliseconds. Default 30,000. */
  shrinkMs?: number;
  /** How long to wait for a server that has stopped responding, in milliseconds. Default 30,000. */
  recoveryMs?: number;
  /** Multiplies the time limits of calls and of the specification. Default 1. */
  timeoutScale?: number;
  signal?: AbortSignal;
  /** Is called with the history of each program, and a name for it. */
  onHistory?: (name: string, events: readonly Event[]) => void;
  /** Is called with the number of programs so far, after each program. */
  onProgram?: (programs: number) => void;
}

/** The statistics of an exploration, and the shortest failing program if one was found. */
export interface Exploration {
  /** Number of programs that ran, without those that ran during shrinking. */
  programs: number;
  /** Number of operations in these programs. */
  operations: number;
  /** Number of injected network faults, by kind. */
  faults: Readonly<Record<string, number>>;
  /** Number of checks of each requirement that could have found a violation; 0 if programs can check it but did not. */
  exercised: ReadonlyMap<RequirementId, number>;
  /** The shortest failing program; undefined if no program failed. */
  failure: ExplorationFailure | undefined;
}

/** A program that shows a violation, shrunk as far as it could be. */
export interface ExplorationFailure {
  /** The violations, the likeliest root cause first. */
  findings: Finding[];
  /** The program. */
  steps: readonly Step[];
  /** Seed of the forms of its requests and of the contents of its messages; 0 if all are plain. */
  variation: number;
  /** The history of its run: the calls of the clients and their outcomes. */
  history: readonly Event[];
  /** Seed of the program: with `path` it runs this program again. */
  seed: number;
  /** Path of the program below its seed: numbers, separated by colons. */
  path: string;
  /** How often the program failed when it ran again. Fewer failures than reruns mean a race; no reruns, an outage. */
  reruns: {
    /** Number of reruns that failed. */
    failed: number;
    /** Number of reruns. */
    of: number;
  };
}

/** Number of reruns of a failing program, to see whether it fails each time. */
const RERUNS = 5;
/** Maximum number of reruns of a program that has not failed again. */
const MAX_RERUNS = 40;
/** Number of consecutive shrink passes without progress after which a failure counts as the shortest. */
const MAX_FRUITLESS_PASSES = 2;
/** Time limit for the frames of a Watch while a failure is shrunk, in milliseconds. */
const SHRINK_WAKE_MS = 300;
/** Number of programs that run concurrently, each with its own accounts and network. */
const WORKERS = 8;
/** Largest number of accounts that a program uses by default. */
const MAX_ACCOUNTS = 8;
/** Number of programs of a batch. Each batch has a seed of its own: the seed of the one before plus 1. */
const BATCH = 100;

/**
 * Runs random programs on a faulty network until one shows a violation, then shrinks that program.
 *
 * @throws Inconclusive if the server has stopped responding and does not come back.
 */
export async function runExploration(options: ExplorationOptions): Promise<Exploration> {
  const { info, source, devices = 2, faults, steps = 24, restart, timeoutScale = 1 } = options;
  const aspects = new Set(options.vary ?? ASPECTS);
  const generator = programs({
    accounts: options.accounts ?? accountsIn(source),
    devices,
    faults,
    steps,
    maxPayloadBytes: info.maxPayloadBytes,
    rotate: (options.rotate ?? true) && source.rotateEpoch !== undefined,
    revoke: source.revokeToken !== undefined,
    watch: info.profiles.includes(Profile.WATCH),
    json: info.profiles.includes(Profile.JSON),
    vary: aspects.size > 0,
  });
  const environment = {
    info,
    source,
    devices,
    seed: options.seed,
    nonce: randomBytes(6).toString("base64url"),
    abandoned: new AbandonedSends(),
    recoveryMs: options.recoveryMs ?? RECOVERY_MS * timeoutScale,
    timeoutScale,
    aspects,
    restart,
    turns: new Turns(),
  };
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () => Worker.open(options.urls, options.connection ?? {}, environment)),
  );
  const tally = new Tally(options, source);
  const end = () => {
    for (const worker of workers) worker.end();
  };
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    const deadline = Date.now() + (options.budgetMs ?? Number.POSITIVE_INFINITY);
    let failure: Exploration["failure"];
    for (let from = 0; ; ) {
      const first = await search(generator, workers, options, tally, { from, deadline });
      if (first === undefined) break;
      const shrunk = await shrink(generator, workers, first, options).catch((error: unknown) => {
        // The server has stopped responding. The violation remains one.
        if (error instanceof Inconclusive) return undefined;
        throw error;
      });
      if (shrunk === undefined) {
        failure ??= failureOf(first, { failed: 0, of: 0 });
        break;
      }
      failure ??= shrunk;
      if (shrunk.reruns.failed > 0 || options.path !== undefined) {
        failure = shrunk;
        break;
      }
      // A race that does not recur cannot be shrunk: another program may show it more often.
      from = first.next;
    }
    return { ...tally.counts, failure };
  } finally {
    options.signal?.removeEventListener("abort", end);
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

/** Returns the number of accounts that programs may use. */
function accountsIn(source: AccountSource): number {
  let count = MAX_ACCOUNTS;
  while (count > 2 && source.unavailableReason({ count }) !== undefined) count -= 1;
  return count;
}

/** A program that failed. */
interface Failing {
  seed: number;
  path: string;
  program: Program;
  execution: Execution;
  /** Number of programs up to the end of its batch: the search can continue there. */
  next: number;
}

/** Runs programs concurrently until one fails. If several fail, returns the first in the order of generation. */
async function search(
  generator: fc.Arbitrary<Program>,
  workers: readonly Worker[],
  options: ExplorationOptions,
  tally: Tally,
  { from, deadline }: { from: number; deadline: number },
): Promise<Failing | undefined> {
  let failing: (Failing & { index: number }) | undefined;
  const stopped = () => failing !== undefined || Date.now() >= deadline || options.signal?.aborted === true;
  for (let begun = from; begun < options.runs && !stopped(); begun += BATCH) {
    const seed = (options.seed + begun / BATCH) >>> 0;
    const size = Math.min(BATCH, options.runs - begun);
    const batch = batchOf(generator, seed, options.path, size);
    let next = 0;
    const work = async (worker: Worker) => {
      for (let index = next; index < batch.length && !stopped(); index = next) {
        next += 1;
        const { program, path } = batch[index] as { program: Program; path: string };
        const execution = await execute(program, worker.environment).catch((error: unknown) => {
          if (options.signal?.aborted && error instanceof Inconclusive) return undefined;
          throw error;
        });
        if (execution === undefined) return;
        tally.add(program.steps, execution);
        options.onHistory?.(`seed ${seed}, program ${path}`, execution.recorder.events);
        if (execution.findings.length > 0 && (failing === undefined || index < failing.index))
          failing = { seed, path, program, execution, index, next: begun + BATCH };
      }
    };
    await Promise.all(workers.map(work));
    if (options.path !== undefined) break;
  }
  return failing;
}

/** Generates the programs of a seed, or the one that a path below the seed names. */
function batchOf(generator: fc.Arbitrary<Program>, seed: number, path: string | undefined, size: number) {
  if (path !== undefined) {
    const [program] = fc.sample(generator, { seed: seed | 0, path, numRuns: 1 });
    return program === undefined ? [] : [{ program, path }];
  }
  return fc
    .sample(generator, { seed: seed | 0, numRuns: size })
    .map((program, index) => ({ program, path: `${index}` }));
}

/** Searches for the shortest variation that still fails, and reruns it. */
async function shrink(
  generator: fc.Arbitrary<Program>,
  workers: readonly Worker[],
  first: Failing,
  { path: requested, shrinkMs = 30_000 }: ExplorationOptions,
): Promise<ExplorationFailure> {
  let best: Failing = first;
  let reruns = await rerun(first.program, workers);
  if (requested === undefined && reruns.failed > 0) {
    // Shrinking must stay with one violation: the most frequent one, since a race may cause several.
    const [root, times] = mostFrequent([first.execution, ...reruns.executions]);
    // A race needs several reruns to recur.
    const isRace = times <= reruns.of;
    let attempts = isRace ? Math.max(workers.length, Math.ceil((3 * reruns.of) / times)) : 1;
    let isOriginal = false;
    const property = fc.asyncProperty(generator, async (program) => {
      // The original program counts as failing, even if its race does not recur now: otherwise shrinking would stop.
      if (isOriginal) {
        isOriginal = false;
        return false;
      }
      for (let left = attempts; left > 0; left -= workers.length) {
        // Waiting the full time for missing frames in each variation would take too long.
        // Programs that restart the server would only wait for each other.
        const concurrent = restartsServer(program, workers) ? 1 : left;
        const executions = await executeOnAll(program, workers.slice(0, concurrent), SHRINK_WAKE_MS);
        const execution = executions.find(({ findings }) => findings.some(({ requirement }) => requirement === root));
        if (execution === undefined) continue;
        best = { ...first, program, execution };
        return false;
      }
      return true;
    });
    // A race may also not recur in a shorter variation, so the shortest failure so far is shrunk again.
    const deadline = Date.now() + shrinkMs;
    for (let fruitless = 0; fruitless < MAX_FRUITLESS_PASSES && Date.now() < deadline; ) {
      const { path } = best;
      isOriginal = true;
      const { counterexamplePath: found } = await fc.check(property, {
        seed: first.seed | 0,
        path,
        numRuns: 1,
        interruptAfterTimeLimit: deadline - Date.now(),
        markInterruptAsFailure: true,
      });
      if (found) best = { ...best, path: found };
      fruitless = found && found !== path ? 0 : fruitless + 1;
      // A failure that has recurred each time so far may still be a race.
      attempts = Math.max(attempts, workers.length);
    }
    reruns = await rerun(best.program, workers);
  }
  return failureOf(best, { failed: reruns.failed, of: reruns.of });
}

const failureOf = (
  { seed, path, program, execution }: Failing,
  reruns: ExplorationFailure["reruns"],
): ExplorationFailure => ({
  seed,
  path,
  ...program,
  findings: execution.findings,
  history: execution.recorder.events,
  reruns,
});

/** Returns the requirement that the most executions violate, and their number. On a tie, returns the first. */
function mostFrequent(executions: readonly Execution[]): [RequirementId, number] {
  const times = new Map<RequirementId, number>();
  for (const { findings } of executions)
    for (const id of new Set(findings.map(({ requirement }) => requirement))) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].reduce((most, entry) => (entry[1] > most[1] ? entry : most));
}

const restartsServer = ({ steps }: Program, [worker]: readonly Worker[]) =>
  worker?.environment.restart !== undefined && steps.some(({ operation }) => operation.kind === "restart");

/** Runs a program on several workers concurrently: it mostly waits for the network. */
const executeOnAll = (program: Program, workers: readonly Worker[], wakeMs?: number) =>
  Promise.all(workers.map((worker) => execute(program, worker.environment, wakeMs)));

interface Reruns {
  /** Number of reruns that failed. */
  failed: number;
  /** Number of reruns. */
  of: number;
  executions: Execution[];
}

/** Reruns a failing program RERUNS times; if it does not fail again, until it fails or MAX_RERUNS is reached. */
async function rerun(program: Program, workers: readonly Worker[]): Promise<Reruns> {
  const executions: Execution[] = [];
  const failed = () => executions.filter(({ findings }) => findings.length > 0).length;
  while (executions.length < RERUNS || (failed() === 0 && executions.length < MAX_RERUNS))
    executions.push(...(await executeOnAll(program, workers.slice(0, RERUNS))));
  return { failed: failed(), of: executions.length, executions };
}

/** The statistics of an exploration. */
class Tally {
  readonly counts: {
    programs: number;
    operations: number;
    faults: Record<string, number>;
    exercised: Map<RequirementId, number>;
  };
  readonly #options: ExplorationOptions;

  constructor(options: ExplorationOptions, source: AccountSource) {
    this.#options = options;
    const has = {
      watch: options.info.profiles.includes(Profile.WATCH),
      rotate: (options.rotate ?? true) && source.rotateEpoch !== undefined,
      faults: options.faults !== "none",
    };
    const rules = RULES.filter((rule) => {
      const need = NEEDS[rule];
      return need === undefined || has[need];
    });
    this.counts = {
      programs: 0,
      operations: 0,
      faults: Object.fromEntries(NETWORK_FAULTS.map((fault) => [fault, 0])),
      exercised: new Map(rules.map((rule) => [rule, 0])),
    };
  }

  add(steps: readonly Step[], { exercised }: Execution): void {
    const { counts } = this;
    counts.programs += 1;
    counts.operations += steps.length;
    for (const { fault } of steps) if (fault !== "none") counts.faults[fault] = (counts.faults[fault] ?? 0) + 1;
    for (const [rule, times] of exercised) {
      const before = counts.exercised.get(rule);
      if (before !== undefined) counts.exercised.set(rule, before + times);
    }
    this.#options.onProgram?.(counts.programs);
  }
}
