import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, type RunnerTestSuite, type TestContext, test } from "vitest";
import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE, chapterOf } from "../cases/catalogue.js";
import { printable } from "../printable.js";
import { groupBy } from "../report/model/group-by.js";
import { type CaseRun, caseRuns, variedId } from "../run/case-run.js";
import type { CheckOptions } from "../run/check-options.js";
import { failureOf, type TestPlace } from "./failure.js";
import { isUnavailable, LiveRun } from "./live-run.js";
import { type ConformanceOptions, checkOptions, seedOf } from "./options.js";

/** Time limit for the server to start and to respond to GetServerInfo, in milliseconds, before `timeoutScale`. */
const START_TIMEOUT_MS = 60_000;

/**
 * Registers each case of the conformance suite as a vitest test, in a block for each chapter. The suite runs the cases itself, concurrently, as
 * `seqsync check` does; the tests only wait for the results. Timeouts, retries and concurrency of vitest do not affect
 * a verdict.
 *
 * - A case that fails or is inconclusive fails its test, with the violations as `seqsync check` shows them and the
 *   command that runs this test again with the same seed, or with the reason.
 * - A case whose failure is known is skipped, with the reason.
 * - A case that is not applicable, needs accounts or fixtures that are not available, or is thorough without
 *   `thorough: true`, is skipped with the reason.
 * - A case that warns passes, with an annotation.
 * - If the server cannot be reached, or there are no accounts, the whole block fails.
 *
 * `vitest -t PATTERN` runs only the matching cases. The environment variable `SEQSYNC_SEED` overrides `seed`.
 *
 * @throws TypeError for options that do not exist or have the wrong type.
 *
 * @example
 * ```ts
 * import { describeConformance } from "seqsync/vitest";
 *
 * describeConformance({ urls: ["http://127.0.0.1:8080"] });
 * ```
 */
export function describeConformance(given: ConformanceOptions): void {
  checkOptions(given);
  const { urls, name = "Seq Sync conformance", ...options } = given;
  const seed = seedOf(process.env) ?? options.seed ?? randomBytes(4).readUInt32LE();
  const runs = caseRuns(CATALOGUE, options.codecs ?? ["proto", "json"]).filter(options.select ?? (() => true));
  describe(name, () => {
    let live: LiveRun | undefined;
    beforeAll(
      // biome-ignore lint/correctness/noEmptyPattern: vitest parses the function and requires a pattern here.
      async ({}, suite) => {
        const selected = selectedIn(suite);
        live = new LiveRun({
          ...options,
          seed,
          urls: typeof urls === "function" ? await urls() : urls,
          select: (run) => selected.has(titleOf(run)) && !isLeftOut(run, options),
        });
        await live.started;
      },
      START_TIMEOUT_MS * (options.timeoutScale ?? 1),
    );
    afterAll(() => live?.stop());

    for (const [chapter, own] of groupBy(runs, chapterOf))
      describe(chapter, () => {
        // The suite has its own timeouts, and a retry must not hide a failure.
        for (const run of own)
          test(titleOf(run), { timeout: 0, retry: 0 }, async (context) => {
            if (isLeftOut(run, options)) context.skip("a thorough case; set `thorough: true` to run it");
            if (live === undefined) throw new Error("the run was not started");
            if (!live.has(run.id)) context.skip(`the server does not declare the codec ${run.codec}`);
            const place = { file: context.task.file.name, name: `${run.id}: `, seed };
            await report(context, await live.result(run.id), place);
            // A run in the only codec of a server has a second one, whose requests and messages vary.
            const second = variedId(run.id);
            if (live.has(second)) await report(context, await live.result(second), place);
          });
      });
  });
}

const titleOf = ({ id, case: it }: CaseRun) => `${id}: ${it.title}`;

const isLeftOut = (run: CaseRun, { thorough = false }: Pick<CheckOptions, "thorough">) =>
  (run.case.thorough ?? false) && !thorough;

/** Returns the names of the tests that vitest is going to run: no filter, `-t` or `.only` excludes them. */
function selectedIn(suite: Readonly<RunnerTestSuite>): Set<string> {
  const tests = suite.tasks.flatMap((task) => (task.type === "suite" ? task.tasks : [task]));
  return new Set(tests.filter(({ mode }) => mode === "run" || mode === "queued").map((task) => task.name));
}

/** Ends a test as the result of its case requires. */
async function report(context: TestContext, result: CaseResult, place: TestPlace): Promise<void> {
  if (result.knownFailure !== "") return context.skip(printable(`known failure: ${result.knownFailure}`));
  switch (result.outcome) {
    case Outcome.PASS:
      return;
    case Outcome.WARN:
      await context.annotate(failureOf(result, place).message, "warning");
      return;
    case Outcome.NOT_APPLICABLE:
      return context.skip(printable(result.reason));
    case Outcome.INCONCLUSIVE:
      if (isUnavailable(result)) return context.skip(printable(result.reason));
      throw failureOf(result, place);
    default:
      throw failureOf(result, place);
  }
}
