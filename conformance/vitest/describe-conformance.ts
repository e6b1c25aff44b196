import { afterAll, beforeAll, describe, type RunnerTestSuite, type TestContext, test } from "vitest";
import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { type CaseRun, caseRuns } from "../run/case-run.js";
import type { CheckOptions } from "../run/check-options.js";
import { failureOf } from "./failure.js";
import { isUnavailable, LiveRun } from "./live-run.js";

/**
 * Options of {@link describeConformance}: those of `check`, with URLs that may become known only in a `beforeAll` hook.
 */
export interface ConformanceOptions extends Omit<CheckOptions, "urls" | "signal" | "onStart" | "onResult"> {
  /**
   * Base URLs of the server, at least one, http or https. Several URLs are front ends of one deployment. A function is
   * called once, after the `beforeAll` hooks above it: it may start the server.
   */
  urls: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /**
   * Name of the `describe` block.
   * @default "Seq Sync conformance"
   */
  name?: string;
}

/** Time limit for the server to start and to respond to GetServerInfo, in milliseconds, before `timeoutScale`. */
const START_TIMEOUT_MS = 60_000;

/**
 * Registers each case of the conformance suite as a vitest test. The suite runs the cases itself, concurrently, as
 * `seqsync check` does; the tests only wait for the results. Timeouts, retries and concurrency of vitest do not affect
 * a verdict.
 *
 * - A case that fails or is inconclusive fails its test, with the violations or the reason.
 * - A case that is not applicable, needs accounts or fixtures that are not available, or is slow without `slow: true`,
 *   is skipped with the reason.
 * - A case that warns passes, with an annotation.
 * - If the server cannot be reached, or there are no accounts, the whole block fails.
 *
 * `vitest -t PATTERN` runs only the matching cases.
 *
 * @example
 * ```ts
 * import { describeConformance } from "seqsync/vitest";
 *
 * describeConformance({ urls: ["http://127.0.0.1:8080"] });
 * ```
 */
export function describeConformance({ urls, name = "Seq Sync conformance", ...options }: ConformanceOptions): void {
  const runs = caseRuns(CATALOGUE, options.codecs ?? ["proto", "json"]).filter(options.select ?? (() => true));
  describe(name, () => {
    let live: LiveRun | undefined;
    beforeAll(
      // biome-ignore lint/correctness/noEmptyPattern: vitest parses the function and requires a pattern here.
      async ({}, suite) => {
        const selected = selectedIn(suite);
        live = new LiveRun({
          ...options,
          urls: typeof urls === "function" ? await urls() : urls,
          select: (run) => selected.has(titleOf(run)) && !isTooSlow(run, options),
        });
        await live.started;
      },
      START_TIMEOUT_MS * (options.timeoutScale ?? 1),
    );
    afterAll(() => live?.stop());

    for (const run of runs) {
      // The suite has its own timeouts, and a retry must not hide a failure.
      test(titleOf(run), { timeout: 0, retry: 0 }, async (context) => {
        if (isTooSlow(run, options)) context.skip("a slow case; set `slow: true` to run it");
        if (live === undefined) throw new Error("the run was not started");
        if (!live.has(run.id)) context.skip(`the server does not declare the codec ${run.codec}`);
        await report(context, await live.result(run.id));
      });
    }
  });
}

const titleOf = ({ id, case: it }: CaseRun) => `${id}: ${it.title}`;

const isTooSlow = (run: CaseRun, { slow = false }: Pick<CheckOptions, "slow">) => (run.case.slow ?? false) && !slow;

/** Returns the names of the tests that vitest is going to run: no filter, `-t` or `.only` excludes them. */
function selectedIn(suite: Readonly<RunnerTestSuite>): Set<string> {
  return new Set(suite.tasks.filter(({ mode }) => mode === "run" || mode === "queued").map((task) => task.name));
}

/** Ends a test as the result of its case requires. */
async function report(context: TestContext, result: CaseResult): Promise<void> {
  switch (result.outcome) {
    case Outcome.PASS:
      return;
    case Outcome.WARN:
      await context.annotate(failureOf(result).message, "warning");
      return;
    case Outcome.NOT_APPLICABLE:
      return context.skip(result.reason);
    case Outcome.INCONCLUSIVE:
      if (isUnavailable(result)) return context.skip(result.reason);
      throw failureOf(result);
    default:
      throw failureOf(result);
  }
}
