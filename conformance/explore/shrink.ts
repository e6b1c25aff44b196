import fc from "fast-check";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Finding } from "../findings.js";
import { blameAspects, searchAspects } from "../harness/aspect-search.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { type Execution, execute } from "./execute.js";
import type { Program, Step } from "./program.js";
import type { Worker } from "./worker.js";

/** A program that failed. */
export interface Failing {
  seed: number;
  path: string;
  program: Program;
  execution: Execution;
}

/** A program that shows a violation, shrunk as far as it could be. */
export interface ExplorationFailure {
  /** The violations, the likeliest root cause first. */
  findings: Finding[];
  /** The program. */
  steps: readonly Step[];
  /** Seed of the looks of its steps; 0 if it ran in the plain form. */
  variation: number;
  /**
   * What must vary for the failure, as names for `vary`; empty if the program also fails in the plain form, or if the
   * failure did not recur often enough to find out.
   */
  varied: readonly string[];
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

export interface ShrinkOptions {
  generator: fc.Arbitrary<Program>;
  workers: readonly Worker[];
  /** What may vary. */
  aspects: ReadonlySet<string>;
  /** Time limit, in milliseconds; 0 if the program must stay as it is. */
  shrinkMs: number;
  signal?: AbortSignal | undefined;
}

/** Number of reruns of a failing program, to see whether it fails each time. */
const RERUNS = 5;
/** Maximum number of reruns of a program that has not failed again. */
const MAX_RERUNS = 40;
/** Number of consecutive shrink passes without progress after which a failure counts as the shortest. */
const MAX_FRUITLESS_PASSES = 2;
/** Time limit for the frames of a Watch while a failure is shrunk, in milliseconds. */
const SHRINK_WAKE_MS = 300;
/** Time after which the search for the aspects of a failure ends, in milliseconds. */
const SEARCH_MS = 15_000;

/** Searches for what must vary for a program to fail, then for the shortest program that still fails, and reruns it. */
export async function shrink(first: Failing, options: ShrinkOptions): Promise<ExplorationFailure> {
  const shrinking = new Shrinking(first, options);
  await shrinking.rerun(options.aspects);
  if (shrinking.recurs) {
    await shrinking.narrow();
    if (options.shrinkMs > 0) {
      await shrinking.shorten();
      // What fails by chance in a long program may fail each time in a short one.
      if (shrinking.needed.length !== 1) await shrinking.narrow();
      await shrinking.rerun();
    }
    if (shrinking.needed.length > 1) await shrinking.decide();
  }
  return shrinking.failure;
}

/** The failure of a program that did not run again. */
export const unchanged = (first: Failing, aspects: ReadonlySet<string>): ExplorationFailure =>
  failureOf(first, { failed: 0, of: 0 }, { isPlain: isPlain(first.program, aspects), varied: [] });

class Shrinking {
  readonly #options: ShrinkOptions;
  #best: Failing;
  #aspects: ReadonlySet<string>;
  /** The aspects that the failure was found to need. */
  needed: readonly string[] = [];
  /** Those of them that are enough in other forms or contents. */
  #decisive: readonly string[] | undefined;
  #reruns: Reruns = { failed: 0, of: 0, executions: [] };

  constructor(first: Failing, options: ShrinkOptions) {
    this.#best = first;
    this.#options = options;
    this.#aspects = options.aspects;
  }

  /** Whether the program has failed again. */
  get recurs(): boolean {
    return this.#reruns.failed > 0;
  }

  get failure(): ExplorationFailure {
    const plain = isPlain(this.#best.program, this.#aspects);
    const varied = plain ? [] : this.needed;
    return failureOf(this.#best, this.#reruns, { isPlain: plain, varied, decisive: this.#decisive });
  }

  /** Reruns the program RERUNS times; if it does not fail again, until it fails or MAX_RERUNS is reached. */
  async rerun(aspects = this.#aspects, wakeMs?: number): Promise<void> {
    const { workers } = this.#options;
    const executions: Execution[] = [];
    const failed = () => executions.filter(hasFailed).length;
    while (executions.length < RERUNS || (failed() === 0 && executions.length < MAX_RERUNS))
      executions.push(...(await executeOnAll(this.#best.program, workers.slice(0, RERUNS), aspects, wakeMs)));
    this.#reruns = { failed: failed(), of: executions.length, executions };
  }

  /** Searches for the aspects that the failure needs. */
  async narrow(): Promise<void> {
    if (isPlain(this.#best.program, this.#aspects)) return;
    const first = this.#reruns.executions.find(hasFailed) ?? this.#best.execution;
    const { attempts } = this.#root();
    const { program } = this.#best;
    const until = performance.now() + SEARCH_MS;
    const result = await searchAspects(first, {
      execute: async (aspects) => {
        let last: Execution | undefined;
        const execution = await this.#runUntil(program, attempts, aspects, (it) => {
          last = it;
          return hasFailed(it);
        });
        return execution ?? (last as Execution);
      },
      hasFailed,
      variedIn: ({ varied }) => varied,
      blamedAspects: new Map(),
      isOver: () => this.#options.signal?.aborted === true || performance.now() > until,
    });
    if (result.kind === "unclear") return;
    this.#best = { ...this.#best, execution: result.execution };
    this.needed = result.kind === "plain" ? [] : result.aspects;
    this.#aspects = new Set(this.needed);
    // Another violation may be the most frequent one now.
    await this.rerun(this.#aspects, SHRINK_WAKE_MS);
  }

  /**
   * Searches among the aspects that the failure needs for those that are enough with other seeds: an aspect may only have
   * made the right opportunity for another one.
   */
  async decide(): Promise<void> {
    const { program } = this.#best;
    const { workers } = this.#options;
    const decisive: string[] = [];
    for (const name of this.needed) {
      const executions = await Promise.all(
        workers.map(({ environment }, index) => {
          const other = { ...program, variation: program.variation + 1 + index };
          return execute(other, environment, { aspects: new Set([name]), wakeMs: SHRINK_WAKE_MS });
        }),
      );
      if (executions.some(hasFailed)) decisive.push(name);
    }
    this.#decisive = decisive;
  }

  /** Searches for the shortest program that still fails. */
  async shorten(): Promise<void> {
    const { generator, workers, shrinkMs } = this.#options;
    const first = this.#best;
    // Shrinking must stay with one violation.
    let { id: root, attempts } = this.#root();
    const passed = new Set<string>();
    const property = fc.asyncProperty(generator, async (program) => {
      const key = this.#keyOf(program);
      // The best program counts as failing, even if its race does not recur now: otherwise shrinking would stop.
      if (key === this.#keyOf(this.#best.program)) return false;
      if (passed.has(key)) return true;
      const isSame = ({ findings }: Execution) => findings.some(({ requirement }) => requirement === root);
      const execution = await this.#runUntil(program, attempts, this.#aspects, isSame);
      if (execution === undefined) {
        passed.add(key);
        return true;
      }
      this.#best = { ...first, program, execution };
      return false;
    });
    // A race may also not recur in a shorter variation, so the shortest failure so far is shrunk again.
    const deadline = Date.now() + shrinkMs;
    for (let fruitless = 0; fruitless < MAX_FRUITLESS_PASSES && Date.now() < deadline; ) {
      const { path } = this.#best;
      passed.clear();
      const { counterexamplePath: found } = await fc.check(property, {
        seed: first.seed | 0,
        path,
        numRuns: 1,
        interruptAfterTimeLimit: deadline - Date.now(),
        markInterruptAsFailure: true,
      });
      if (found) this.#best = { ...this.#best, path: found };
      fruitless = found && found !== path ? 0 : fruitless + 1;
      // A failure that has recurred each time so far may still be a race.
      attempts = Math.max(attempts, workers.length);
    }
  }

  /** A text that is the same for programs that run in the same way: they can be generated in more than one. */
  #keyOf(program: Program): string {
    return JSON.stringify(isPlain(program, this.#aspects) ? plainForm(program) : program);
  }

  /** The violation to stay with: the most frequent one, since a race may cause several. A race needs several attempts. */
  #root(): { id: RequirementId; attempts: number } {
    const { of, executions } = this.#reruns;
    const [id, times] = mostFrequent([this.#best.execution, ...executions]);
    const isRace = times <= of;
    return { id, attempts: isRace ? Math.max(this.#options.workers.length, Math.ceil((3 * of) / times)) : 1 };
  }

  /** Runs a program until a run matches; returns undefined if none of the attempts does. */
  async #runUntil(
    program: Program,
    attempts: number,
    aspects: ReadonlySet<string>,
    matches: (execution: Execution) => boolean,
  ): Promise<Execution | undefined> {
    const { workers } = this.#options;
    for (let left = attempts; left > 0; left -= workers.length) {
      // Waiting the full time for missing frames in each variation would take too long.
      // Programs that restart the server would only wait for each other.
      const concurrent = restartsServer(program, workers) ? 1 : left;
      const executions = await executeOnAll(program, workers.slice(0, concurrent), aspects, SHRINK_WAKE_MS);
      const found = executions.find(matches);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const hasFailed = ({ findings }: Execution) => findings.length > 0;

/** Whether a program runs in the plain form. */
const isPlain = ({ variation }: Program, aspects: ReadonlySet<string>) => aspects.size === 0 || variation === 0;

const plainForm = ({ steps }: Program): Program => ({
  variation: 0,
  steps: steps.map((step) => ({ ...step, look: 0 })),
});

function failureOf(
  { seed, path, program, execution }: Failing,
  { failed, of }: ExplorationFailure["reruns"],
  look: { isPlain: boolean; varied: readonly string[]; decisive?: readonly string[] | undefined },
): ExplorationFailure {
  const { findings, recorder } = execution;
  return {
    seed,
    path,
    ...(look.isPlain ? plainForm(program) : program),
    varied: look.varied,
    findings:
      look.varied.length === 0 ? findings : blameAspects(findings, look.varied, codecOf(program), look.decisive),
    history: recorder.events,
    reruns: { failed, of },
  };
}

/** The codec that a failing program needs: it shrinks to binary. */
const codecOf = ({ steps }: Program): Codec =>
  steps.some(({ operation }) => "codec" in operation && operation.codec === "json") ? "json" : "proto";

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
const executeOnAll = (
  program: Program,
  workers: readonly Worker[],
  aspects: ReadonlySet<string>,
  wakeMs: number | undefined,
) => Promise.all(workers.map(({ environment }) => execute(program, environment, { aspects, wakeMs })));

interface Reruns {
  /** Number of reruns that failed. */
  failed: number;
  /** Number of reruns. */
  of: number;
  executions: Execution[];
}
