import type { Lease } from "../accounts/source.js";
import type { Finding } from "../findings.js";
import { changedInfo } from "../harness/declared.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Environment } from "./environment.js";
import { despiteOutage } from "./outage.js";
import { accountsOf, groups, type Program } from "./program.js";
import { ProgramRun } from "./program-run.js";
import { WAKE_MS } from "./program-watches.js";

export interface Execution {
  findings: Finding[];
  recorder: Recorder;
  /** Number of checks of each requirement that could have found a violation. */
  exercised: ReadonlyMap<RequirementId, number>;
  /** The aspects that varied: of the form, those that applied to a request. */
  varied: readonly string[];
}

export interface ExecuteOptions {
  /** What may vary in requests and messages. */
  aspects: ReadonlySet<string>;
  /** Time limit for the frames of a Watch, in milliseconds, before the environment's `timeoutScale`. */
  wakeMs?: number | undefined;
}

let runs = 0;

/** Number of times that a program runs again because the declared limits have changed. */
const MAX_REPETITIONS = 2;

/**
 * Runs a program on accounts of its own, then fetches all pending messages of each account, and judges the history.
 *
 * @throws Inconclusive if the server has stopped responding and does not come back, also after a restart.
 */
export function execute(program: Program, environment: Environment, options: ExecuteOptions): Promise<Execution> {
  const restarts =
    environment.restart !== undefined && program.steps.some(({ operation }) => operation.kind === "restart");
  return environment.turns.run(restarts, () => runByLimits(program, environment, options));
}

/** Runs a program, again if it fails and the limits by which it was judged have changed. */
async function runByLimits(program: Program, environment: Environment, options: ExecuteOptions): Promise<Execution> {
  for (let repetition = 0; ; repetition += 1) {
    const execution = await run(program, environment, options);
    if (execution.findings.length === 0) return execution;
    const changed = await changedInfo(environment.direct.transport, environment.info);
    if (changed === undefined) return execution;
    environment.info = changed;
    // Limits that change each time show nothing.
    if (repetition === MAX_REPETITIONS) return { ...execution, findings: [] };
  }
}

async function run(
  { steps, variation }: Program,
  environment: Environment,
  { aspects, wakeMs = WAKE_MS }: ExecuteOptions,
): Promise<Execution> {
  const { timeoutScale } = environment;
  const judge = new Judge(timeoutScale);
  const recorder = new Recorder((event) => judge.observe(event));
  const { source, abandoned, direct, info } = environment;
  // Two accounts even if the program uses one: others may reach the same server.
  const used = [...new Set([0, 1, ...steps.flatMap(({ operation }) => accountsOf(operation))])];
  const leased = await despiteOutage(direct, environment.recoveryMs, () => source.lease({ count: used.length }));
  const leases = new Map(used.map((account, index) => [account, leased[index] as Lease]));
  runs += 1;
  const nonce = `${environment.nonce}-${runs}`;
  const programRun = new ProgramRun({ environment, recorder, leases, variation, aspects, nonce });
  try {
    await programRun.begin();
    for (const group of groups(steps)) await programRun.performAll(group);
    await environment.network.settle();
    await programRun.finish(wakeMs * timeoutScale);
    const findings = [...programRun.findings, ...judge.finish()];
    return { findings, recorder, exercised: judge.exercised, varied: programRun.varied };
  } finally {
    programRun.end();
    if (source.isSingleUse) abandoned.drop(leased);
    else await abandoned.settle(leased, direct, info);
    source.release(leased);
  }
}
