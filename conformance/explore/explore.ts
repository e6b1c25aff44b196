import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import type { Finding } from "../findings.js";
import { NEEDS, RULES } from "../judge/rules.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { ConnectionOptions } from "../transport/http.js";
import { type Execution, execute } from "./execute.js";
import { type FaultLevel, NETWORK_FAULTS, programs, type Step } from "./program.js";
import { Worker } from "./worker.js";

export interface ExploreOptions {
  urls: readonly string[];
  /** How the target is reached. */
  connection?: ConnectionOptions;
  info: GetServerInfoResponse;
  source: AccountSource;
  /** Programs to run at most. From 1. */
  runs: number;
  /** Time for that, in milliseconds; then it stops without a finding. Default: no limit. */
  budgetMs?: number;
  seed: number;
  /** Runs only the one program that the `path` of an earlier failure with this seed names. */
  path?: string | undefined;
  /** Accounts that play, 2 to 4, and devices of each, 1 to 4. Default 2 and 2. */
  accounts?: number;
  devices?: number;
  faults: FaultLevel;
  /** Whether inboxes also lose their data, where the source of accounts can make them. Default true. */
  rotate?: boolean;
  /** Most steps of a program. Default 24. */
  steps?: number;
  /** How long a failure is shrunk at most, in milliseconds. Default 30 s. */
  shrinkMs?: number;
  signal?: AbortSignal;
  /** Hears of the history of each program, with a name for it. */
  onHistory?: (name: string, events: readonly Event[]) => void;
  /** Hears of each program that was run. */
  onProgram?: (programs: number) => void;
}

/** What an exploration did, and the shortest program that shows a breach, if one was found. */
export interface Exploration {
  programs: number;
  operations: number;
  /** Faults that were injected, by kind. */
  faults: Readonly<Record<string, number>>;
  /** How often each rule of the judge could have been broken. Rules of its list that this server allows, and never applied, are 0. */
  applied: ReadonlyMap<RequirementId, number>;
  failure:
    | undefined
    | {
        findings: Finding[];
        steps: readonly Step[];
        history: readonly Event[];
        /** Seed and path that name this program, to run it again. */
        seed: number;
        path: string;
        /** Of how many repetitions of the shortest program how many failed: fewer than all means a race. */
        repeated: { failed: number; of: number };
      };
}

/** How often a failing program is run again to tell whether it fails each time; and how often at most until it fails again at all. */
const REPEATS = 5;
const MOST_REPEATS = 40;
/** How often a failure is shrunk in vain before it counts as the shortest. */
const FRUITLESS = 2;
/** How long a watch is waited for while a failure is shrunk, in milliseconds. */
const IMPATIENT_MS = 300;
/** Programs that run side by side, each on accounts and a network of its own. */
const LANES = 8;
/** Programs that are generated at once. Each batch has a seed of its own, the next number. */
const BATCH = 100;
/** Runs random programs on a faulty network until one shows a breach, then makes it as short as it can be. */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { info, source, accounts = 2, devices = 2, faults, steps = 24 } = options;
  const generator = programs({
    accounts,
    devices,
    faults,
    steps,
    maxPayloadBytes: info.maxPayloadBytes,
    rotate: (options.rotate ?? true) && source.rotateEpoch !== undefined,
    watch: info.profiles.includes(Profile.WATCH),
  });
  const ground = { info, source, accounts, devices, seed: options.seed, nonce: randomBytes(6).toString("base64url") };
  const lanes = await Promise.all(
    Array.from({ length: LANES }, () => Worker.open(options.urls, options.connection ?? {}, ground)),
  );
  const tally = new Tally(options, source);
  try {
    const deadline = Date.now() + (options.budgetMs ?? Number.POSITIVE_INFINITY);
    let failure: Exploration["failure"];
    for (let from = 0; ; ) {
      const first = await search(generator, lanes, options, tally, { from, deadline });
      if (first === undefined) break;
      const shrunk = await shrink(generator, lanes, first, options);
      failure ??= shrunk;
      if (shrunk.repeated.failed > 0 || options.path !== undefined) {
        failure = shrunk;
        break;
      }
      // A race that does not come again cannot be made short: another program may show it better.
      from = first.next;
    }
    return { ...tally.counts, failure };
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

/** A program that failed, and where it comes from. */
interface Failing {
  seed: number;
  path: string;
  steps: Step[];
  execution: Execution;
  /** Programs that were generated up to its batch's end: where the search may go on. */
  next: number;
}

/** Runs programs, many at a time, until one fails. Of those that fail at the same time it answers the one that comes first. */
async function search(
  generator: fc.Arbitrary<Step[]>,
  lanes: readonly Worker[],
  options: ExploreOptions,
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
    const work = async (lane: Worker) => {
      for (let index = next; index < batch.length && !stopped(); index = next) {
        next += 1;
        const { steps, path } = batch[index] as { steps: Step[]; path: string };
        const execution = await execute(steps, lane.environment);
        tally.add(steps, execution);
        options.onHistory?.(`seed ${seed}, program ${path}`, execution.recorder.events);
        if (execution.findings.length > 0 && (failing === undefined || index < failing.index))
          failing = { seed, path, steps, execution, index, next: begun + BATCH };
      }
    };
    await Promise.all(lanes.map(work));
    if (options.path !== undefined) break;
  }
  return failing;
}

/** The programs of a seed; the same ones that a path below this seed counts. */
function batchOf(generator: fc.Arbitrary<Step[]>, seed: number, path: string | undefined, size: number) {
  if (path !== undefined) {
    const [steps] = fc.sample(generator, { seed: seed | 0, path, numRuns: 1 });
    return steps === undefined ? [] : [{ steps, path }];
  }
  return fc.sample(generator, { seed: seed | 0, numRuns: size }).map((steps, index) => ({ steps, path: `${index}` }));
}

/** Looks for the shortest variation that still fails, and says how surely it does. */
async function shrink(
  generator: fc.Arbitrary<Step[]>,
  lanes: readonly Worker[],
  first: Failing,
  { path: given, shrinkMs = 30_000 }: ExploreOptions,
): Promise<NonNullable<Exploration["failure"]>> {
  let best: Failing = first;
  let repeated = await repeat(first.steps, lanes);
  if (given === undefined && repeated.failed > 0) {
    // What it shows most often: shrinking must not slip to another fault, and a race may show in several ways.
    const [root, times] = commonest([first.execution, ...repeated.executions]);
    // A race needs more than one try to show itself again; what never comes again cannot be shrunk.
    const isRace = times <= repeated.of;
    let tries = isRace ? Math.max(lanes.length, Math.ceil((3 * repeated.of) / times)) : 1;
    let isKnown = false;
    const property = fc.asyncProperty(generator, async (steps) => {
      // The program to be shrunk has failed before: a race that hides now is no reason to stop here.
      if (isKnown) {
        isKnown = false;
        return false;
      }
      for (let left = tries; left > 0; left -= lanes.length) {
        // Whoever was not woken within seconds the first time is given less time for the variations.
        const executions = await sideBySide(steps, lanes.slice(0, left), IMPATIENT_MS);
        const execution = executions.find(({ findings }) => findings.some(({ requirement }) => requirement === root));
        if (execution === undefined) continue;
        best = { ...first, steps, execution };
        return false;
      }
      return true;
    });
    // A race may also hide where it was about to become shorter, so the shortest so far is shrunk again.
    const deadline = Date.now() + shrinkMs;
    for (let fruitless = 0; fruitless < FRUITLESS && Date.now() < deadline; ) {
      const { path } = best;
      isKnown = true;
      const { counterexamplePath: found } = await fc.check(property, {
        seed: first.seed | 0,
        path,
        numRuns: 1,
        interruptAfterTimeLimit: deadline - Date.now(),
        markInterruptAsFailure: true,
      });
      if (found) best = { ...best, path: found };
      fruitless = found && found !== path ? 0 : fruitless + 1;
      // What failed each time so far may be a race all the same.
      tries = Math.max(tries, lanes.length);
    }
    repeated = await repeat(best.steps, lanes);
  }
  const { seed, path, steps, execution } = best;
  return {
    seed,
    path,
    steps,
    findings: execution.findings,
    history: execution.recorder.events,
    repeated: { failed: repeated.failed, of: repeated.of },
  };
}

/** The requirement that most of these programs break, and how many do; of several the one that is found first. */
function commonest(executions: readonly Execution[]): [RequirementId, number] {
  const times = new Map<RequirementId, number>();
  for (const { findings } of executions)
    for (const id of new Set(findings.map(({ requirement }) => requirement))) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].reduce((most, it) => (it[1] > most[1] ? it : most));
}

/** One program on several lanes at the same time: most of its time it waits for the network. */
const sideBySide = (steps: readonly Step[], lanes: readonly Worker[], wakeMs?: number) =>
  Promise.all(lanes.map((lane) => execute(steps, lane.environment, wakeMs)));

interface Repeated {
  /** How many of the repetitions failed. */
  failed: number;
  of: number;
  executions: Execution[];
}

/** Runs a program that failed again: some times, or where it does not come again, until it does or patience ends. */
async function repeat(steps: readonly Step[], lanes: readonly Worker[]): Promise<Repeated> {
  const executions: Execution[] = [];
  const failed = () => executions.filter(({ findings }) => findings.length > 0).length;
  while (executions.length < REPEATS || (failed() === 0 && executions.length < MOST_REPEATS))
    executions.push(...(await sideBySide(steps, lanes.slice(0, REPEATS))));
  return { failed: failed(), of: executions.length, executions };
}

/** What was done so far. */
class Tally {
  readonly counts: {
    programs: number;
    operations: number;
    faults: Record<string, number>;
    applied: Map<RequirementId, number>;
  };
  readonly #options: ExploreOptions;

  constructor(options: ExploreOptions, source: AccountSource) {
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
      applied: new Map(rules.map((rule) => [rule, 0])),
    };
  }

  add(steps: readonly Step[], { applied }: Execution): void {
    const { counts } = this;
    counts.programs += 1;
    counts.operations += steps.length;
    for (const { fault } of steps) if (fault !== "none") counts.faults[fault] = (counts.faults[fault] ?? 0) + 1;
    for (const [rule, times] of applied) {
      const before = counts.applied.get(rule);
      if (before !== undefined) counts.applied.set(rule, before + times);
    }
    this.#options.onProgram?.(counts.programs);
  }
}
