import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  CountsSchema,
  Outcome,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { AccountSource, Unavailable } from "../accounts/source.js";
import type { Case } from "../cases/case.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { VERSION } from "../version.js";
import type { Codec } from "../wire/connect.js";
import { type ConnectionOptions, Transport } from "../wire/http.js";
import { judgeRequirements, verdictOf } from "./requirements.js";
import { type Job, lacks, profileOf, runCase, type Stage } from "./run-case.js";
import { greet, withoutUserInfo } from "./target.js";

/** What is checked, and how. */
export interface RunOptions extends ConnectionOptions {
  /** Base URLs of the target: front ends of one deployment. At least one. */
  urls: readonly string[];
  /** Where accounts come from. Default: the target's FixtureService. */
  accounts?: (transport: Transport) => Promise<AccountSource | Unavailable>;
  /** Credential for the FixtureService, if it asks for one. */
  fixtureToken?: string | undefined;
  /** Which cases. Default: all. */
  select?: (job: Job) => boolean;
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
    jobs: readonly Job[];
    accounts: string;
    info: GetServerInfoResponse;
    open: ReadonlyMap<string, number>;
  }) => void;
  /** Hears of each case as it ends. */
  onResult?: (result: CaseResult) => void;
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
  const report = create(ReportSchema, {
    format: 1,
    suiteVersion: VERSION,
    targets: urls.map(withoutUserInfo),
    seed,
    startedAt: timestampFromDate(started),
  });
  try {
    await fill(report, transport, { ...options, timeoutScale, seed, signal });
  } finally {
    await transport.close();
  }
  report.counts = count(report.cases);
  report.requirements = judgeRequirements(report.cases);
  report.verdict = verdictOf(report);
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

async function fill(report: Report, transport: Transport, options: Settings): Promise<void> {
  const greeting = await greet(transport);
  const select = options.select ?? (() => true);
  if ("problem" in greeting) {
    report.headline = greeting.problem;
    report.cases = jobsFor(CATALOGUE, ["proto"])
      .filter(select)
      .map((job) => unrun(job, Outcome.INCONCLUSIVE, greeting.problem));
    return;
  }
  const { info } = greeting;
  report.specVersion = info.specVersion;
  report.implementation = info.implementation;
  report.profiles = info.profiles.map((profile) => Profile[profile] ?? String(profile));

  const codecs = (options.codecs ?? ["proto", "json"]).filter(
    (codec) => codec === "proto" || info.profiles.includes(Profile.JSON),
  );
  const jobs = jobsFor(CATALOGUE, codecs).filter(select);
  const accounts = await (options.accounts ?? ((t: Transport) => fixtureAccounts(t, { token: options.fixtureToken })))(
    transport,
  );
  const source = "unavailable" in accounts ? noAccounts(accounts.unavailable) : accounts;
  report.accounts = source.route;
  options.onStart?.({ jobs, accounts: source.route, info, open: leftOpen(jobs, source, info) });

  const { timeoutScale, seed, signal } = options;
  const stage: Stage = {
    transport,
    info,
    source,
    seed,
    signal,
    timeoutScale,
    restart: options.restart,
    onHistory: options.onHistory,
    nonce: randomBytes(6).toString("base64url"),
  };
  const results = new Map<Job, CaseResult>();
  const perform = async (job: Job) => {
    const skip =
      notApplicable(job.case, info) ??
      (job.case.needs?.restart && options.restart === undefined ? noRestart(info) : undefined) ??
      (job.case.slow && !options.slow ? tooSlow : undefined);
    let result: CaseResult;
    if (skip !== undefined) result = unrun(job, skip.outcome, skip.reason);
    else {
      const { retried, ...ended } = await runCase(job, stage);
      report.retriedCalls += retried;
      result = ended;
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

/** Each case in each codec, or in the one that it is about. */
export function jobsFor(cases: readonly Case[], codecs: readonly Codec[]): Job[] {
  return cases.flatMap((it) => {
    if (it.codec !== undefined || it.undeclared !== undefined)
      return [{ id: it.id, case: it, codec: it.codec ?? "proto" }];
    return codecs.map((codec): Job => ({ id: codec === "proto" ? it.id : `${it.id} (${codec})`, case: it, codec }));
  });
}

/** How many cases a way to get accounts leaves open, by reason. */
function leftOpen(jobs: readonly Job[], source: AccountSource, info: GetServerInfoResponse): Map<string, number> {
  const open = new Map<string, number>();
  for (const job of jobs) {
    const why = notApplicable(job.case, info) === undefined ? lacks(job.case, source) : undefined;
    if (why !== undefined) open.set(why, (open.get(why) ?? 0) + 1);
  }
  return open;
}

const tooSlow = { outcome: Outcome.INCONCLUSIVE, reason: "takes long by its nature; run it with --slow" };

/** A crash is not to be had without being told how; only for a server that says it survives one, that leaves a promise unchecked. */
function noRestart({ profiles }: GetServerInfoResponse): { outcome: Outcome; reason: string } {
  const durable = profiles.includes(Profile.DURABLE);
  return {
    outcome: durable ? Outcome.INCONCLUSIVE : Outcome.NOT_APPLICABLE,
    reason: "what a crash leaves is only checked with --restart-command",
  };
}

function notApplicable(
  it: Case,
  { profiles }: GetServerInfoResponse,
): { outcome: Outcome; reason: string } | undefined {
  // Every server has CORE; one that does not say so breaks INFO-CORE, and is checked all the same.
  const declares = (name: string) => name === "CORE" || profiles.includes(Profile[name as keyof typeof Profile]);
  const none = (reason: string) => ({ outcome: Outcome.NOT_APPLICABLE, reason });
  if (it.undeclared !== undefined) {
    return declares(it.undeclared)
      ? none(`the server declares ${it.undeclared}; this is about servers that do not`)
      : undefined;
  }
  const missing = it.requirements
    .map((id) => profileOf({ ...it, requirements: [id] }))
    .find((profile) => !declares(profile));
  return missing === undefined ? undefined : none(`the server does not declare the profile ${missing}`);
}

function unrun(job: Job, outcome: Outcome, reason: string): CaseResult {
  const { title, requirements } = job.case;
  return create(CaseResultSchema, {
    id: job.id,
    title,
    requirements: [...requirements],
    profile: profileOf(job.case),
    outcome,
    reason,
  });
}

/** Stands in where no account is to be had: every case that needs one says so. */
function noAccounts(why: string): AccountSource {
  return {
    route: `none: ${why}`,
    lacks: () => `no accounts: ${why}`,
    lease: () => Promise.reject(new Error(why)),
    release: () => {},
    rotateEpoch: undefined,
    revokeToken: undefined,
  };
}

function count(cases: readonly CaseResult[]) {
  const of = (outcome: Outcome) => cases.filter((it) => it.outcome === outcome).length;
  return create(CountsSchema, {
    pass: of(Outcome.PASS),
    fail: of(Outcome.FAIL),
    warn: of(Outcome.WARN),
    notApplicable: of(Outcome.NOT_APPLICABLE),
    inconclusive: of(Outcome.INCONCLUSIVE),
    harnessError: of(Outcome.HARNESS_ERROR),
  });
}
