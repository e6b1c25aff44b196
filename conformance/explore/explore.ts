import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import { ASPECTS } from "../harness/variation.js";
import { NEEDS, RULES } from "../judge/rules.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SharedConnection } from "../transport/http.js";
import { AbandonedSends } from "./abandoned-sends.js";
import { type Execution, execute } from "./execute.js";
import { programs } from "./generate.js";
import { RECOVERY_MS } from "./outage.js";
import { type FaultLevel, NETWORK_FAULTS, type Program, type Step } from "./program.js";
import { type ExplorationFailure, type Failing, shrink, unchanged } from "./shrink.js";
import { Turns } from "./turns.js";
import { Worker } from "./worker.js";

export type { ExplorationFailure };

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
  /** Maximum number of parts of a program: single steps, and scenarios of several steps. Default 16. */
  parts?: number;
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
  const { info, source, devices = 2, faults, parts = 16, restart, timeoutScale = 1 } = options;
  const aspects = new Set(options.vary ?? ASPECTS);
  const generator = programs({
    accounts: options.accounts ?? accountsIn(source),
    devices,
    faults,
    parts,
    maxPayloadBytes: info.maxPayloadBytes,
    rotate: (options.rotate ?? true) && source.rotateEpoch !== undefined,
    revoke: source.revokeToken !== undefined,
    watch: info.profiles.includes(Profile.WATCH),
    json: info.profiles.includes(Profile.JSON),
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
      const first = await search(generator, workers, options, tally, { from, deadline, aspects });
      if (first === undefined) break;
      const { path, shrinkMs = 30_000, signal } = options;
      const shrinking = { generator, workers, aspects, shrinkMs: path === undefined ? shrinkMs : 0, signal };
      const shrunk = await shrink(first, shrinking).catch((error: unknown) => {
        // The server has stopped responding. The violation remains one.
        if (error instanceof Inconclusive) return undefined;
        throw error;
      });
      if (shrunk === undefined) {
        failure ??= unchanged(first, aspects);
        break;
      }
      failure ??= shrunk;
      if (shrunk.reruns.failed > 0 || path !== undefined) {
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

/** A program that failed, in its batch. */
interface FailingInBatch extends Failing {
  /** Number of programs up to the end of its batch: the search can continue there. */
  next: number;
}

/** Runs programs concurrently until one fails. If several fail, returns the first in the order of generation. */
async function search(
  generator: fc.Arbitrary<Program>,
  workers: readonly Worker[],
  options: ExplorationOptions,
  tally: Tally,
  { from, deadline, aspects }: { from: number; deadline: number; aspects: ReadonlySet<string> },
): Promise<FailingInBatch | undefined> {
  let failing: (FailingInBatch & { index: number }) | undefined;
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
        const execution = await execute(program, worker.environment, { aspects }).catch((error: unknown) => {
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
