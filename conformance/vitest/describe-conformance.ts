import { afterAll, beforeAll, describe, type RunnerTestSuite, type TestContext, test } from "vitest";
import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { caseRuns } from "../run/plan.js";
import type { RunOptions } from "../run/run.js";
import type { CaseRun } from "../run/run-case.js";
import { failureOf } from "./failure.js";
import { LiveRun } from "./live-run.js";

/** How a target is checked by vitest: the options of `run`, with URLs that may be known only later. */
export interface ConformanceOptions extends Omit<RunOptions, "urls" | "signal" | "onStart" | "onResult"> {
  /**
   * Base URLs of the target: front ends of one deployment. At least one. A function is called once, after the `beforeAll` hooks
   * that stand above: it may start the server, or read where one was started.
   */
  urls: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /** Name of the block. Default "Seq Sync conformance". */
  name?: string;
}

/** How long the target may take to start and to say what it is, in milliseconds, before `timeoutScale`. */
const START_TIMEOUT_MS = 60_000;

/**
 * Registers each case of the conformance suite as a vitest test. The cases run side by side in the suite's own runner, as with
 * `seqsync check`; the tests wait for their results, so vitest's timeouts, retries and concurrency change no verdict.
 *
 * A case that breaks a MUST fails, with a card for each requirement. One that could not be told fails with the reason. One that
 * does not apply is skipped with the reason: its profile is not declared, it needs more than these accounts can give, or it takes
 * long and `slow` is not set. A broken SHOULD passes with an annotation. If the target cannot be checked at all, because it does
 * not answer or there are no accounts, the block fails as a whole. With `vitest -t PATTERN` only the chosen cases run.
 *
 * @example
 * ```ts
 * import { describeConformance } from "seqsync/vitest";
 *
 * describeConformance({ urls: ["http://127.0.0.1:8080"] });
 * ```
 */
export function describeConformance({ urls, name = "Seq Sync conformance", ...options }: ConformanceOptions): void {
  const jobs = caseRuns(CATALOGUE, options.codecs ?? ["proto", "json"]).filter(options.select ?? (() => true));
  describe(name, () => {
    let live: LiveRun | undefined;
    beforeAll(
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the source, and wants a pattern here.
      async ({}, suite) => {
        const chosen = chosenIn(suite);
        live = new LiveRun({
          ...options,
          urls: typeof urls === "function" ? await urls() : urls,
          select: (job) => chosen.has(titleOf(job)) && !tooSlow(job, options),
        });
        await live.begun;
      },
      START_TIMEOUT_MS * (options.timeoutScale ?? 1),
    );
    afterAll(() => live?.stop());

    for (const job of jobs) {
      // The runner has deadlines of its own, for each call and each case; and its verdict stands.
      test(titleOf(job), { timeout: 0, retry: 0 }, async (context) => {
        if (tooSlow(job, options)) context.skip("takes long by its nature; set `slow: true` to run it");
        if (live === undefined) throw new Error("the run has not begun");
        if (!live.has(job.id)) context.skip(`the server does not declare the codec ${job.codec}`);
        await tell(context, await live.result(job.id), live);
      });
    }
  });
}

const titleOf = ({ id, case: it }: CaseRun) => `${id}: ${it.title}`;

const tooSlow = (job: CaseRun, { slow = false }: Pick<RunOptions, "slow">) => (job.case.slow ?? false) && !slow;

/** The tests of the block that vitest is going to run: those that no filter, `-t` or `.only` leaves out. */
function chosenIn(suite: Readonly<RunnerTestSuite>): Set<string> {
  return new Set(suite.tasks.filter(({ mode }) => mode === "run" || mode === "queued").map((task) => task.name));
}

/** Turns a result into the end of a test. */
async function tell(context: TestContext, result: CaseResult, live: LiveRun): Promise<void> {
  switch (result.outcome) {
    case Outcome.PASS:
      return;
    case Outcome.WARN:
      await context.annotate(failureOf(result).message, "warning");
      return;
    case Outcome.NOT_APPLICABLE:
      return context.skip(result.reason);
    case Outcome.INCONCLUSIVE:
      if (live.knownOpen(result)) return context.skip(result.reason);
      throw failureOf(result);
    default:
      throw failureOf(result);
  }
}
