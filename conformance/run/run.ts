import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  Outcome,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { AccountSource, Unavailable } from "../accounts/source.js";
import { CATALOGUE } from "../cases/catalogue.js";
import type { Codec } from "../rpc/connect.js";
import { type ConnectionOptions, Transport } from "../transport/http.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { isUnexpected, type KnownFailure, markKnownFailures, reasonFor } from "./known-failures.js";
import { caseRuns, inconclusiveByReason, skipped, skipReason } from "./plan.js";
import { type CaseRun, type RunContext, runCase } from "./run-case.js";
import { Secrets } from "./secrets.js";
import { summarize } from "./summarize.js";
import { probe, withoutUserInfo } from "./target.js";

export { caseRuns as jobsFor } from "./plan.js";

/** What is checked, and how. */
export interface RunOptions extends ConnectionOptions {
  /** Base URLs of the target: front ends of one deployment. At least one. */
  urls: readonly string[];
  /** Where accounts come from. Default: the target's FixtureService. */
  accounts?: (transport: Transport) => Promise<AccountSource | Unavailable>;
  /** Credential for the FixtureService, if it asks for one. */
  fixtureToken?: string | undefined;
  /** Which cases. Default: all. */
  select?: (job: CaseRun) => boolean;
  /** In which codecs. Default: all that the server declares. */
  codecs?: readonly Codec[];
  /** The same seed asks the same questions. 0 to 4294967295. Default: random. */
  seed?: number;
  /** Cases at the same time. From 1. Default 16. */
  concurrency?: number;
  /** Stretches every deadline, for slow targets. Default 1. */
  timeoutScale?: number;
  /** Also run the cases that take long by their nature. Default false. */
  slow?: boolean;
  /** Kills the server and starts it again, and resolves once it is up: for the cases that check what a crash leaves. */
  restart?: () => Promise<void>;
  /** Hears of the history of each case, with its id. */
  onHistory?: (name: string, events: readonly Event[]) => void;
  /** Stops the run; cases that have not ended are inconclusive. */
  signal?: AbortSignal;
  /** Hears of the run's plan, once: with how many cases these accounts leave open, by reason. */
  onStart?: (plan: {
    jobs: readonly CaseRun[];
    accounts: string;
    info: GetServerInfoResponse;
    open: ReadonlyMap<string, number>;
  }) => void;
  /** Hears of each case as it ends. */
  onResult?: (result: CaseResult) => void;
  /** Hears how many programs a case that explores has run. */
  onProgram?: (id: string, programs: number) => void;
  /** Stops the run after so many failures that are not known. From 1. Default: it goes on to the end. */
  bail?: number;
  /** Failures that are known: they are marked in the report, and the verdict stays what it is. */
  knownFailures?: readonly KnownFailure[];
  /** Which part of a run on several machines this is, such as "2/3". Only noted; `select` chooses the cases. */
  shard?: string;
  /** Arguments of the command that reach this target again, for whoever runs a case once more. Default: the URLs. */
  invocation?: string;
}

/**
 * Checks a server. Always resolves with a report, whatever the server does; rejects only if the options are wrong.
 *
 * @example
 * ```ts
 * const report = await run({ urls: ["http://127.0.0.1:8080"] });
 * ```
 */
export async function run(options: RunOptions): Promise<Report> {
  const {
    urls,
    timeoutScale = 1,
    seed = randomBytes(4).readUInt32LE(),
    signal = new AbortController().signal,
  } = options;
  if (urls.length === 0) throw new TypeError("run needs at least one URL");
  const started = new Date();
  const transport = new Transport({ ...connectionOf(options), urls, timeoutMs: 10_000 * timeoutScale });
  const secrets = new Secrets();
  secrets.add(options.fixtureToken ?? "", "[the fixtures' token]");
  secrets.addHeaders(options.headers ?? {});
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    targets: urls.map(withoutUserInfo),
    seed,
    shard: options.shard ?? "",
    startedAt: timestampFromDate(started),
  });
  try {
    await fill(report, transport, { ...options, timeoutScale, seed, signal }, secrets);
  } finally {
    await transport.close();
  }
  secrets.hide(report);
  summarize(report);
  markKnownFailures(report, options.knownFailures ?? []);
  report.duration = durationFromMs(Date.now() - started.getTime());
  return report;
}

/** The part of the options that says how the target is reached. */
function connectionOf(options: RunOptions): ConnectionOptions {
  const { headers, tls, proxy, connectTimeoutMs, http2, maxRequestsPerSecond } = options;
  const all = { headers, tls, proxy, connectTimeoutMs, http2, maxRequestsPerSecond };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

type Settings = RunOptions & Required<Pick<RunOptions, "timeoutScale" | "seed" | "signal">>;

async function fill(report: Report, transport: Transport, options: Settings, secrets: Secrets): Promise<void> {
  const greeting = await probe(transport);
  const select = options.select ?? (() => true);
  if ("problem" in greeting) {
    report.headline = greeting.problem;
    report.cases = caseRuns(CATALOGUE, ["proto"])
      .filter(select)
      .map((job) => skipped(job, { outcome: Outcome.INCONCLUSIVE, reason: greeting.problem }));
    return;
  }
  const { info } = greeting;
  report.specVersion = info.specVersion;
  report.implementation = info.implementation;
  report.profiles = info.profiles.map((profile) => Profile[profile] ?? String(profile));

  const codecs = (options.codecs ?? ["proto", "json"]).filter(
    (codec) => codec === "proto" || info.profiles.includes(Profile.JSON),
  );
  const jobs = caseRuns(CATALOGUE, codecs).filter(select);
  const accounts = await (options.accounts ?? ((t: Transport) => fixtureAccounts(t, { token: options.fixtureToken })))(
    transport,
  );
  const source = secrets.watch("unavailable" in accounts ? noAccounts(accounts.unavailable) : accounts);
  report.accounts = source.description;
  options.onStart?.({ jobs, accounts: source.description, info, open: inconclusiveByReason(jobs, source, info) });

  const { timeoutScale, seed, bail = Number.POSITIVE_INFINITY, knownFailures = [] } = options;
  const bailing = new AbortController();
  const signal = AbortSignal.any([options.signal, bailing.signal]);
  const stage: RunContext = {
    transport,
    info,
    source,
    seed,
    signal,
    timeoutScale,
    restart: options.restart,
    onHistory: options.onHistory && ((name, events) => options.onHistory?.(name, secrets.hide(events))),
    onProgram: options.onProgram,
    invocation: options.invocation ?? report.targets.join(" "),
    nonce: randomBytes(6).toString("base64url"),
  };
  const results = new Map<CaseRun, CaseResult>();
  let failures = 0;
  const stopped = () => ({
    outcome: Outcome.INCONCLUSIVE,
    reason: bailing.signal.aborted
      ? `not run: the run stopped after ${failures} failure${failures === 1 ? "" : "s"}`
      : "not run: the run was stopped",
  });
  const perform = async (job: CaseRun) => {
    const skip = skipReason(job, info, options) ?? (signal.aborted ? stopped() : undefined);
    let result: CaseResult;
    if (skip !== undefined) result = skipped(job, skip);
    else {
      const { retried, ...ended } = await runCase(job, stage);
      report.retriedCalls += retried;
      result = secrets.hide(ended);
      result.knownFailure = reasonFor(result, knownFailures);
      if (isUnexpected(result)) failures += 1;
      if (failures >= bail) bailing.abort();
    }
    results.set(job, result);
    options.onResult?.(result);
  };
  // Those that wait begin first, so that they wait while the others work.
  const queue = jobs
    .filter((job) => !job.case.needs?.restart)
    .sort((a, b) => Number(b.case.slow ?? false) - Number(a.case.slow ?? false));
  await Promise.all(
    Array.from({ length: options.concurrency ?? 16 }, async () => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) await perform(job);
    }),
  );
  // A restart hits everybody.
  for (const job of jobs) if (job.case.needs?.restart) await perform(job);
  report.cases = jobs.flatMap((job) => results.get(job) ?? []);
}

/** Stands in where no account is to be had: every case that needs one says so. */
function noAccounts(why: string): AccountSource {
  return {
    description: `none: ${why}`,
    unavailableReason: ({ count }) => (count === 0 ? undefined : `no accounts: ${why}`),
    lease: ({ count }) => (count === 0 ? Promise.resolve([]) : Promise.reject(new Error(why))),
    release: () => {},
    rotateEpoch: undefined,
    revokeToken: undefined,
  };
}
