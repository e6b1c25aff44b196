import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { describeAspect, requirementOfAspect } from "../harness/variation.js";
import type { RunnableCase } from "./case-run.js";
import { commandOf, type Execution, type RunContext, runCase } from "./run-case.js";

/** Time after which the search for the aspect ends, in milliseconds, before `timeoutScale`. */
const SEARCH_MS = 30_000;
/** Number of times in a row that a run must fail with the aspect, and pass in the plain form. */
const CONFIRMATIONS = 2;
/** Number of cases that must have needed an aspect alone before others are only tried without it. */
const USUAL = 3;

/**
 * Runs a case. If it fails and its requests and messages vary, it runs again in the plain form: a failure there has
 * nothing to do with the variation, and is the result. Otherwise the aspect is searched that the failure needs, and the
 * result is that of the run in which only this aspect varies.
 */
export async function runAndBlame(run: RunnableCase, shared: RunContext): Promise<CaseResult & { retried: number }> {
  const search = new Search(run, shared);
  const execution = await search.find();
  shared.onHistory?.(run.id, execution.events);
  return { ...execution.result, retried: search.retried };
}

/** The search for the aspect that a failure needs. */
class Search {
  retried = 0;
  readonly #run: RunnableCase;
  readonly #shared: RunContext;
  readonly #until: number;

  constructor(run: RunnableCase, shared: RunContext) {
    this.#run = run;
    this.#shared = shared;
    this.#until = performance.now() + SEARCH_MS * shared.timeoutScale;
  }

  async find(): Promise<Execution> {
    const first = await this.#execute(this.#run.aspects ?? new Set());
    if (first.varied.length === 0 || !hasFailed(first)) return first;
    const { blamedAspects } = this.#shared;
    const usual = first.varied.filter((name) => (blamedAspects.get(name) ?? 0) >= USUAL);
    if (usual.length > 0) {
      const others = first.varied.filter((name) => !usual.includes(name));
      const without = await this.#execute(new Set(others));
      if (!hasFailed(without)) return blame({ ...first, varied: usual }, this.#run, this.#shared);
    }
    const plain = await this.#execute(new Set());
    if (hasFailed(plain)) return plain;
    const guess = first.varied.filter((name) => this.#shared.blamedAspects.has(name));
    const found = (await this.#tryAlone(guess)) ?? (await this.#bisect(first));
    // A failure that does not come again, or only sometimes, is no less a failure.
    if (found === undefined) return first;
    const [only, ...others] = found.varied;
    if (only !== undefined && others.length === 0) blamedAspects.set(only, (blamedAspects.get(only) ?? 0) + 1);
    return blame(found, this.#run, this.#shared);
  }

  /** Tries the aspects that other cases have blamed, one by one. */
  async #tryAlone(names: readonly string[]): Promise<Execution | undefined> {
    for (const name of names) {
      if (this.#isOver()) return undefined;
      const alone = await this.#execute(new Set([name]));
      if (hasFailed(alone) && (await this.#isConfirmed([name]))) return alone;
    }
    return undefined;
  }

  /** Halves the aspects while one of the halves is enough to make the case fail. */
  async #bisect(first: Execution): Promise<Execution | undefined> {
    let current = first.varied;
    let last = await this.#execute(new Set(current));
    if (!hasFailed(last)) return undefined;
    for (;;) {
      const middle = Math.ceil(current.length / 2);
      const halves = current.length < 2 ? [] : [current.slice(0, middle), current.slice(middle)];
      let smaller: string[] | undefined;
      for (const half of halves) {
        if (this.#isOver()) return undefined;
        const execution = await this.#execute(new Set(half));
        if (!hasFailed(execution)) continue;
        last = execution;
        smaller = half;
        break;
      }
      // Several aspects together, if neither half is enough.
      if (smaller === undefined) return (await this.#isConfirmed(current)) ? last : undefined;
      current = smaller;
    }
  }

  /** Whether the case fails each time with these aspects and passes each time without: otherwise it fails by chance. */
  async #isConfirmed(names: readonly string[]): Promise<boolean> {
    for (let count = 1; count < CONFIRMATIONS; count += 1) {
      if (!hasFailed(await this.#execute(new Set(names)))) return false;
      if (hasFailed(await this.#execute(new Set()))) return false;
    }
    return true;
  }

  async #execute(aspects: ReadonlySet<string>): Promise<Execution> {
    const execution = await runCase(this.#run, this.#shared, aspects);
    this.retried += execution.retried;
    return execution;
  }

  #isOver(): boolean {
    return this.#shared.signal.aborted || performance.now() > this.#until;
  }
}

const hasFailed = ({ result }: Execution) => result.outcome === Outcome.FAIL;

/**
 * Blames the aspects of a failure: the requirement about the form, or for contents the one that was found. Of several
 * aspects it is the one that other cases need alone.
 */
function blame(execution: Execution, run: RunnableCase, shared: RunContext): Execution {
  const { result, varied } = execution;
  const decisive = varied.length === 1 ? varied : varied.filter((name) => shared.blamedAspects.has(name));
  const [requirement, ...others] = new Set(decisive.map((name) => requirementOfAspect(name, run.codec)));
  const cause = `only with ${varied.map(describeAspect).join(" and with ")}`;
  const findings = result.findings.map((finding) => ({ ...finding, message: `${cause}: ${finding.message}` }));
  const [first] = findings;
  const blamed =
    requirement === undefined || others.length > 0 || first === undefined ? findings : [{ ...first, requirement }];
  return {
    ...execution,
    result: { ...result, varied, findings: blamed, reproduce: commandOf(run, shared, varied) },
  };
}
