import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import type { Finding } from "../verdict.js";
import { Transport } from "../wire/http.js";
import { Session } from "../wire/session.js";
import { type Execution, execute, type Ground } from "./execute.js";
import { Network } from "./network.js";
import { FAULTS, type FaultLevel, programs, type Step } from "./program.js";

export interface ExploreOptions {
  urls: readonly string[];
  info: GetServerInfoResponse;
  source: AccountSource;
  /** Programs to run at most. From 1. */
  runs: number;
  /** Time for that, in milliseconds; then it stops without a finding. Default: no limit. */
  budgetMs?: number;
  seed: number;
  /** Where in the run of this seed to begin: the `path` of an earlier failure runs its shortest program again. */
  path?: string | undefined;
  /** Accounts that play, 2 to 4, and devices of each, 1 to 4. Default 2 and 2. */
  accounts?: number;
  devices?: number;
  faults: FaultLevel;
  /** Most steps of a program. Default 24. */
  steps?: number;
  signal?: AbortSignal;
  /** Hears of each program that was run. */
  onProgram?: (programs: number) => void;
}

/** What an exploration did, and the shortest program that shows a breach, if one was found. */
export interface Exploration {
  programs: number;
  operations: number;
  /** Faults that were injected, by kind. */
  faults: Readonly<Record<string, number>>;
  failure:
    | undefined
    | {
        findings: Finding[];
        steps: readonly Step[];
        history: readonly Event[];
        /** For `path`, to run this program again with the same seed. */
        path: string;
        /** Of how many repetitions of the shortest program how many failed: fewer than all means a race. */
        repeated: { failed: number; of: number };
      };
}

/** How often a shrunk program is run again to tell whether it fails each time. */
const REPEATS = 5;

/** Runs random programs on a faulty network until one shows a breach, then makes it as short as it can be. */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { urls, info, source, accounts = 2, devices = 2, faults, steps = 24 } = options;
  const network = await Network.start(urls);
  const direct = new Transport({ urls });
  const faulty = new Transport({ urls: network.urls });
  const ground: Ground = {
    faulty: new Session(faulty, "proto"),
    direct: new Session(direct, "proto"),
    network,
    source,
    info,
    accounts,
    devices,
    seed: options.seed,
    nonce: randomBytes(6).toString("base64url"),
  };
  const counted = {
    programs: 0,
    operations: 0,
    faults: Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<string, number>,
  };
  // While it shrinks it runs many more programs, which are not counted: they are variations of one.
  let found: { steps: Step[]; execution: Execution } | undefined;

  const property = fc.asyncProperty(
    programs({
      accounts,
      devices,
      faults,
      steps,
      rotate: source.rotateEpoch !== undefined,
      watch: info.profiles.includes(Profile.WATCH),
    }),
    async (program) => {
      const execution = await execute(program, ground);
      if (found === undefined) {
        counted.programs += 1;
        counted.operations += program.length;
        for (const { fault } of program) if (fault !== "none") counted.faults[fault] = (counted.faults[fault] ?? 0) + 1;
        options.onProgram?.(counted.programs);
      }
      if (execution.findings.length === 0) return !options.signal?.aborted;
      found = { steps: program, execution };
      return false;
    },
  );
  try {
    const details = await fc.check(property, {
      seed: options.seed | 0,
      numRuns: options.runs,
      ...(options.path === undefined ? {} : { path: options.path }),
      ...(options.budgetMs === undefined
        ? {}
        : { interruptAfterTimeLimit: options.budgetMs, markInterruptAsFailure: false }),
    });
    if (details.errorInstance !== null && details.errorInstance !== undefined && found === undefined)
      throw details.errorInstance;
    if (!details.failed || found === undefined) return { ...counted, failure: undefined };
    return { ...counted, failure: await conclude(found, details.counterexamplePath ?? "", ground) };
  } finally {
    await Promise.all([network.stop(), faulty.close(), direct.close()]);
  }
}

async function conclude(
  found: { steps: Step[]; execution: Execution },
  path: string,
  ground: Ground,
): Promise<NonNullable<Exploration["failure"]>> {
  let failed = 0;
  for (let n = 0; n < REPEATS; n += 1) if ((await execute(found.steps, ground)).findings.length > 0) failed += 1;
  const { steps, execution } = found;
  return {
    steps,
    path,
    findings: execution.findings,
    history: execution.recorder.events,
    repeated: { failed, of: REPEATS },
  };
}
