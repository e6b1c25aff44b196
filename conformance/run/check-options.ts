import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { CaseResult, Exchange } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountOptions } from "../accounts/resolve.js";
import type { Codec } from "../rpc/connect.js";
import type { ConnectionOptions } from "../transport/http.js";
import type { CaseRun } from "./case-run.js";
import type { KnownFailure } from "./known-failures.js";

/** Options of `check`. */
export interface CheckOptions extends ConnectionOptions, AccountOptions {
  /** Base URLs of the target, http or https: the front ends of one deployment. At least one. */
  urls: readonly string[];
  /**
   * How long to wait for a server that is starting, in milliseconds: one that cannot be reached, or asks to retry.
   * @default 0
   */
  waitMs?: number;
  /**
   * Chooses the cases to run.
   * @default all cases
   */
  select?: (run: CaseRun) => boolean;
  /**
   * Codecs to run the cases in (http.md).
   * @default all codecs that the server declares
   */
  codecs?: readonly Codec[];
  /**
   * Seed of all random choices: the same seed sends the same requests. 0 to 4294967295.
   * @default random
   */
  seed?: number;
  /**
   * What varies in the requests and messages of every case, as it does between real clients: aspects such as "chunked"
   * or "ids"; an empty list for nothing. The error for an unknown name lists them all.
   * @default each case runs plain in one codec, and with all aspects in the other
   */
  vary?: readonly string[];
  /**
   * Maximum number of cases that run at the same time, apart from those that mostly wait. From 1.
   * @default 16
   */
  concurrency?: number;
  /**
   * Factor for the time limits of calls, frames and cases, for slow targets. More than 0.
   * @default 1
   */
  timeoutScale?: number;
  /**
   * Time after which the run ends, in milliseconds; cases that have not ended are inconclusive. More than 0.
   * @default 3600000, times `timeoutScale`, and more with a rate limit
   */
  timeLimitMs?: number;
  /**
   * Whether to run the thorough cases too, with large volumes and long waits, which take minutes.
   * @default false
   */
  thorough?: boolean;
  /**
   * Kills the server, starts it again, and resolves once it is up. The cases about a crash need it (durable.md).
   * @default none: those cases are inconclusive for a DURABLE server, otherwise not applicable
   */
  restart?: () => Promise<void>;
  /** Is called with the history of each case, and its id. */
  onHistory?: (name: string, events: readonly Event[]) => void;
  /** Stops the run; cases that have not ended are inconclusive. */
  signal?: AbortSignal;
  /** Is called once, before the first case runs; not at all if the target is not a Seq Sync server, or has no accounts. */
  onStart?: (plan: CheckPlan) => void;
  /** Is called with each result, as soon as its case ends. */
  onResult?: (result: CaseResult) => void;
  /** Is called with the number of programs that a case of the chapter "explore" has run. */
  onProgram?: (id: string, programs: number) => void;
  /**
   * Number of failures after which the run stops, known failures aside. From 1.
   * @default no limit
   */
  bail?: number;
  /**
   * Failures that are expected. The report marks them; the verdict does not change.
   * @default none
   */
  knownFailures?: readonly KnownFailure[];
  /**
   * Which part of a run on several machines this is, such as "2/3". Only recorded in the report; `select` chooses the
   * cases.
   */
  shard?: string;
  /**
   * Arguments for `seqsync check` that reach this target, for the report's instructions to reproduce a failure.
   * @default the URLs
   */
  invocation?: string;
  /**
   * Arguments of curl that connect as this run does, quoted for a shell, for the report's commands.
   * @default none
   */
  curlArguments?: readonly string[];
  /** Is called with each HTTP exchange of a case when it has ended, without credentials. */
  onExchange?: (id: string, exchange: Exchange) => void;
}

/** The cases and accounts of a run, before it starts. */
export interface CheckPlan {
  /** The cases that were selected, in the catalogue's order. */
  cases: readonly CaseRun[];
  /** Description of where the accounts come from, such as "fixture service". */
  accounts: string;
  /** What the server reported about itself (info.md). */
  info: GetServerInfoResponse;
  /**
   * Maximum number of connections that the run has open at once, because the server serves no more; undefined if there is
   * no need for a limit.
   */
  connections?: number | undefined;
  /** How many cases will be inconclusive because of the accounts, by reason. */
  inconclusive: ReadonlyMap<string, number>;
}
