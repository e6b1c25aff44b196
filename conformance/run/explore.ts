import { randomBytes } from "node:crypto";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type AccountOptions, resolveAccounts } from "../accounts/resolve.js";
import { type Exploration, runExploration } from "../explore/explore.js";
import type { FaultLevel } from "../explore/program.js";
import { Inconclusive } from "../findings.js";
import { ASPECTS } from "../harness/variation.js";
import { type ConnectionOptions, pickConnection, Transport } from "../transport/http.js";
import { Liveness } from "../transport/liveness.js";
import { contact } from "./contact.js";
import { restartAndWait } from "./restart.js";
import { RunStop, withoutResponses } from "./run-stop.js";
import { Secrets } from "./secrets.js";

/** Options of `explore`. */
export interface ExploreOptions extends ConnectionOptions, AccountOptions {
  /** Base URLs of the target, http or https: the front ends of one deployment. At least one. */
  urls: readonly string[];
  /**
   * How long to wait for a server that is starting, in milliseconds: one that cannot be reached, or asks to retry.
   * @default 0
   */
  waitMs?: number;
  /**
   * Maximum number of programs to run. From 1.
   * @default 200
   */
  runs?: number;
  /**
   * Time after which no further program starts, in milliseconds.
   * @default no limit
   */
  budgetMs?: number;
  /**
   * Seed of the programs. 0 to 4294967295.
   * @default random
   */
  seed?: number;
  /**
   * Runs only the program at this path: the `path` of an earlier failure with the same seed.
   * @default all programs of the seed
   */
  path?: string | undefined;
  /**
   * Devices of each account. 1 to 8.
   * @default 2
   */
  devices?: number;
  /**
   * Frequency of network faults.
   * @default "heavy"
   */
  faults?: FaultLevel;
  /**
   * What varies in the requests and messages, as in `CheckOptions`; an empty list for nothing.
   * @default all aspects, in three of four programs
   */
  vary?: readonly string[];
  /**
   * Kills the server, starts it again, and resolves once it is up: a few programs then have a crash.
   * @default none: no program has one
   */
  restart?: () => Promise<void>;
  /**
   * Factor for the time limits of calls, frames and restarts, for slow servers.
   * @default 1
   */
  timeoutScale?: number;
  /** Stops the exploration. */
  signal?: AbortSignal;
  /** Is called once, before the first program runs, with what the server reported about itself (info.md). */
  onStart?: (info: GetServerInfoResponse) => void;
  /** Is called with the history of each program, and a name for it. */
  onHistory?: (name: string, events: readonly Event[]) => void;
  /** Is called with the number of programs run so far. */
  onProgram?: (programs: number) => void;
}

/** Why a target could not be explored. */
export interface NotExplored {
  /** The reason, in one sentence: the server cannot be reached, or stopped responding, or there are no accounts. */
  problem: string;
}

/**
 * Runs random programs of senders and devices against a server, on a faulty network, until one of them shows a
 * violation; then shrinks that program to a short one that still shows a violation.
 *
 * @throws TypeError if `urls` is empty or contains a string that is not a URL.
 * @example
 * ```ts
 * const exploration = await explore({ urls: ["http://127.0.0.1:8080"], budgetMs: 60_000 });
 * if ("problem" in exploration) throw new Error(exploration.problem);
 * console.log(exploration.failure?.findings);
 * ```
 */
export async function explore(options: ExploreOptions): Promise<Exploration | NotExplored> {
  const { urls, runs = 200, seed = randomBytes(4).readUInt32LE(), faults = "heavy", path } = options;
  const { timeoutScale = 1 } = options;
  if (urls.length === 0) throw new TypeError("explore needs at least one URL");
  const unknown = options.vary?.find((name) => !ASPECTS.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`vary: "${unknown}" is no aspect; the aspects are ${ASPECTS.join(", ")}`);
  const liveness = new Liveness(timeoutScale);
  const transport = new Transport({ ...pickConnection(options), urls, timeoutMs: 10_000 * timeoutScale, liveness });
  const secrets = Secrets.of(options);
  try {
    // A server that is starting has not stopped responding.
    liveness.pause();
    const probed = await contact(transport, options);
    liveness.resume();
    if ("problem" in probed) return secrets.hide({ problem: probed.problem });
    options.onStart?.(secrets.hide(probed.info));
    const accounts = await resolveAccounts(transport, options);
    const reason = "unavailable" in accounts ? accounts.unavailable : accounts.unavailableReason({ count: 2 });
    if ("unavailable" in accounts || reason !== undefined) return secrets.hide({ problem: `no accounts: ${reason}` });
    const source = secrets.watch(accounts);
    const { budgetMs, devices, signal: stopped, onHistory, onProgram, vary, restart } = options;
    const stop = new RunStop(1);
    const signal = stopped === undefined ? stop.signal : AbortSignal.any([stopped, stop.signal]);
    stop.stopOn(liveness.signal, () => withoutResponses(liveness, []));
    const exploration = await stop.orStopped(
      runExploration({
        urls,
        connection: transport.connection,
        info: probed.info,
        source,
        runs,
        seed,
        path,
        faults,
        timeoutScale,
        ...(budgetMs === undefined ? {} : { budgetMs }),
        ...(devices === undefined ? {} : { devices }),
        signal,
        vary,
        restart: restart && restartAndWait(restart, transport, { timeoutScale, signal }),
        ...(onHistory === undefined ? {} : { onHistory: (name, events) => onHistory(name, secrets.hide(events)) }),
        ...(onProgram === undefined ? {} : { onProgram }),
      }),
    );
    if (exploration === undefined) return { problem: secrets.hide(stop.reason?.headline ?? "") };
    secrets.hide(exploration.failure);
    return exploration;
  } catch (error) {
    if (error instanceof Inconclusive) return secrets.hide({ problem: error.message });
    throw error;
  } finally {
    await transport.close();
  }
}
