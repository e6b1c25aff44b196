import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Finding } from "../findings.js";
import { blameAspects, searchAspects } from "../harness/aspect-search.js";
import type { RunnableCase } from "./case-run.js";
import { commandOf, type Execution, type RunContext, runCase } from "./run-case.js";

/** Time after which the search for the aspect ends, in milliseconds, before `timeoutScale`. */
const SEARCH_MS = 30_000;

/**
 * Runs a case. If it fails and its requests and messages vary, it runs again in the plain form: a failure there has
 * nothing to do with the variation, and is the result. Otherwise the aspect is searched that the failure needs, and the
 * result is that of the run in which only this aspect varies.
 */
export async function runAndBlame(run: RunnableCase, shared: RunContext): Promise<CaseResult & { retried: number }> {
  let retried = 0;
  const execute = async (aspects: ReadonlySet<string>) => {
    const execution = await runCase(run, shared, aspects);
    retried += execution.retried;
    return execution;
  };
  const until = performance.now() + SEARCH_MS * shared.timeoutScale;
  let execution = await execute(run.aspects ?? new Set());
  if (execution.varied.length > 0 && hasFailed(execution)) {
    const result = await searchAspects(execution, {
      execute,
      hasFailed,
      variedIn: ({ varied }) => varied,
      blamedAspects: shared.blamedAspects,
      isOver: () => shared.signal.aborted || performance.now() > until,
    });
    execution = result.kind === "aspects" ? blame(result.execution, result.aspects, run, shared) : result.execution;
  }
  shared.onHistory?.(run.id, execution.events);
  return { ...execution.result, retried };
}

const hasFailed = ({ result }: Execution) => result.outcome === Outcome.FAIL;

/** Blames the aspects of a failure. Of several aspects, what counts is the one that other cases need alone. */
function blame(execution: Execution, aspects: readonly string[], run: RunnableCase, shared: RunContext): Execution {
  const { result } = execution;
  const varied = [...aspects];
  const decisive = varied.length === 1 ? varied : varied.filter((name) => shared.blamedAspects.has(name));
  const findings = blameAspects(result.findings as Finding[], varied, run.codec, decisive);
  return {
    ...execution,
    varied,
    result: { ...result, varied, findings, reproduce: commandOf(run, shared, varied) },
  };
}
