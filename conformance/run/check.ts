import { randomBytes } from "node:crypto";
import { clone, create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type CaseResult,
  ReasonCode,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { GetServerInfoResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { resolveAccounts } from "../accounts/resolve.js";
import type { AccountSource } from "../accounts/source.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { bounded } from "../harness/declared.js";
import { ASPECTS } from "../harness/variation.js";
import { ConnectionLimit } from "../transport/connection-limit.js";
import { pickConnection, Transport } from "../transport/http.js";
import { Liveness } from "../transport/liveness.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { runAndBlame } from "./blame-aspect.js";
import { type CaseRun, caseRuns, type RunnableCase } from "./case-run.js";
import type { CheckOptions } from "./check-options.js";
import { connectionLimitOf } from "./connections.js";
import { contact } from "./contact.js";
import { isUnexpected, markKnownFailures, reasonFor } from "./known-failures.js";
import { restartAndWait } from "./restart.js";
import type { RunContext } from "./run-case.js";
import { RunQueue } from "./run-queue.js";
import { inconclusive, isAfterLastResponse, RunStop, timeLimitOf, withoutResponses } from "./run-stop.js";
import { Secrets } from "./secrets.js";
import { accountRequestOf, inconclusiveByReason, type SkipReason, skipped, skipReason } from "./skip.js";
import { summarize } from "./summarize.js";
import { withoutUserInfo } from "./target.js";
import { withVariation } from "./varied-runs.js";

/**
 * Checks a server. Resolves with a report whatever the server does, even if it cannot be reached.
 *
 * @throws TypeError if the options are wrong, such as no URL, or a string that is not a URL.
 * @example
 * ```ts
 * const report = await check({ urls: ["http://127.0.0.1:8080"] });
 * ```
 */
export async function check(options: CheckOptions): Promise<Report> {
  const { urls, timeoutScale = 1, seed = randomBytes(4).readUInt32LE(), concurrency = 16 } = options;
  if (urls.length === 0) throw new TypeError("check needs at least one URL");
  const unknown = options.vary?.find((name) => !ASPECTS.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`vary: "${unknown}" is no aspect; the aspects are ${ASPECTS.join(", ")}`);
  const started = new Date();
  const liveness = new Liveness(timeoutScale);
  const transport = new Transport({ ...pickConnection(options), urls, timeoutMs: 10_000 * timeoutScale, liveness });
  const secrets = Secrets.of(options);
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    targets: urls.map(withoutUserInfo),
    seed,
    shard: options.shard ?? "",
    curlArguments: [...(options.curlArguments ?? [])],
    startedAt: timestampFromDate(started),
  });
  const running = new Set<string>();
  const stop = new RunStop(concurrency);
  const forget = [
    options.signal &&
      stop.stopOn(options.signal, () => inconclusive("not run: the run was stopped", ReasonCode.STOPPED)),
    stop.stopOn(liveness.signal, () => withoutResponses(liveness, [...running])),
    stop.stopAfter(timeLimitOf(options)),
  ];
  try {
    await runCases(report, transport, { ...options, timeoutScale, seed, concurrency, stop, running }, secrets);
  } finally {
    for (const it of forget) it?.();
    await transport.close();
  }
  if (stop.reason !== undefined && stop.reason.headline !== "") report.headline = stop.reason.headline;
  secrets.hide(report);
  summarize(report);
  markKnownFailures(report, options.knownFailures ?? []);
  report.duration = durationFromMs(Date.now() - started.getTime());
  return report;
}

interface Settings extends CheckOptions {
  timeoutScale: number;
  seed: number;
  concurrency: number;
  stop: RunStop;
  /** Ids of the cases that are running. */
  running: Set<string>;
}

/** Number of connections that a case usually has open at most. */
const CONNECTIONS_OF_A_CASE = 40;

/** Runs the cases, and writes what the server declared and the results into the report. */
async function runCases(report: Report, transport: Transport, options: Settings, secrets: Secrets): Promise<void> {
  const { stop, running } = options;
  const liveness = transport.connection.liveness as Liveness;
  // A server that is starting has not stopped responding.
  liveness.pause();
  const probed = await contact(transport, { ...options, signal: stop.signal });
  liveness.resume();
  const select = options.select ?? (() => true);
  const notRun = (runs: readonly CaseRun[], problem: string, code: ReasonCode) => {
    report.headline = problem;
    report.cases = runs.map((run) => skipped(run, inconclusive(problem, code)));
  };
  if ("problem" in probed)
    return notRun(caseRuns(CATALOGUE, ["proto"]).filter(select), probed.problem, ReasonCode.SERVER_UNREACHABLE);
  const info = bounded(probed.info);
  report.specVersion = info.specVersion;
  report.implementation = info.implementation;
  report.profiles = info.profiles.map((profile) => Profile[profile] ?? String(profile));

  const codecs = (options.codecs ?? ["proto", "json"]).filter(
    (codec) => codec === "proto" || info.profiles.includes(Profile.JSON),
  );
  const runs = withVariation(caseRuns(CATALOGUE, codecs).filter(select), {
    seed: options.seed,
    vary: options.vary && new Set(options.vary),
    isThorough: options.thorough ?? false,
  });
  const connections =
    options.maxRequestsPerSecond !== undefined
      ? undefined
      : await stop.orStopped(connectionLimitOf(transport, { runs: runs.length, timeoutScale: options.timeoutScale }));
  if (connections !== undefined) await transport.limitConnections(new ConnectionLimit(connections));
  const accounts = await stop.orStopped(resolveAccounts(transport, options));
  if (accounts === undefined) return notRun(runs, stop.reason?.headline ?? "", ReasonCode.STOPPED);
  if ("unavailable" in accounts && runs.some((run) => accountRequestOf(run.case).count > 0))
    return notRun(runs, `no accounts: ${accounts.unavailable}`, ReasonCode.ACCOUNTS);
  const source = secrets.watch("unavailable" in accounts ? emptySource(accounts.unavailable) : accounts);
  report.accounts = source.description;
  report.fixtures = options.accounts === undefined && !("unavailable" in accounts);
  report.fixtureCredential = report.fixtures && options.fixtureToken !== undefined;
  options.onStart?.({
    cases: runs,
    accounts: secrets.hide(source.description),
    info: secrets.hide(clone(GetServerInfoResponseSchema, info)),
    connections,
    inconclusive: inconclusiveByReason(runs, source, info),
  });

  const { timeoutScale, seed, bail = Number.POSITIVE_INFINITY, knownFailures = [] } = options;
  const { signal } = stop;
  const context: RunContext = {
    transport,
    info,
    source,
    seed,
    signal,
    stopReason: () => stop.reason,
    timeoutScale,
    restart: options.restart && restartAndWait(options.restart, transport, { timeoutScale, signal }),
    onHistory: options.onHistory && ((name, events) => options.onHistory?.(name, secrets.hide(events))),
    onProgram: options.onProgram,
    onExchange: options.onExchange && ((id, exchange) => options.onExchange?.(id, secrets.hide(exchange))),
    invocation: options.invocation ?? report.targets.join(" "),
    nonce: randomBytes(6).toString("base64url"),
    executions: 0,
    blamedAspects: new Map(),
  };
  const results = new Map<CaseRun, CaseResult>();
  const ends = new Map<CaseRun, number>();
  let failures = 0;
  const perform = async (run: RunnableCase) => {
    const skip = skipReason(run, info, options) ?? stop.reason;
    let result: CaseResult;
    if (skip !== undefined) result = skipped(run, skip);
    else {
      running.add(run.id);
      const { retried, ...ended } = await runAndBlame(run, context);
      running.delete(run.id);
      report.retriedCalls += retried;
      result = secrets.hide(ended);
      result.knownFailure = reasonFor(result, knownFailures);
      if (isUnexpected(result)) failures += 1;
      if (failures >= bail) {
        const why = `not run: the run stopped after ${failures} failure${failures === 1 ? "" : "s"}`;
        stop.stop(inconclusive(why, ReasonCode.STOPPED));
      }
      stop.caseEnded(result.reasonCode);
      ends.set(run, Date.now());
    }
    results.set(run, result);
    options.onResult?.(result);
  };
  const hasRoom = connections === undefined;
  const beside = runs.filter(({ case: { needs } }) => !needs?.restart && !needs?.stepClock);
  const queue = new RunQueue(beside, { hasRoom });
  const performNext = async () => {
    for (let run = queue.take(); run !== undefined; run = queue.take()) {
      await perform(run);
      queue.ended(run);
    }
  };
  const most = hasRoom ? options.concurrency : Math.max(1, Math.floor(connections / CONNECTIONS_OF_A_CASE));
  const atOnce = Array.from({ length: Math.min(options.concurrency, most) }, performNext);
  await Promise.all([...queue.waiting.map(perform), ...atOnce]);
  // A step of the clock or a restart would disturb every other case: these cases run alone.
  for (const run of runs) if (run.case.needs?.stepClock && !run.case.needs.restart) await perform(run);
  for (const run of runs) if (run.case.needs?.restart) await perform(run);
  report.cases = runs.flatMap((run) => {
    const result = results.get(run);
    if (result === undefined) return [];
    return isAfterLastResponse(result, ends.get(run), liveness) ? [skipped(run, stop.reason as SkipReason)] : [result];
  });
  const unfinished = report.cases.filter(({ reasonCode }) => reasonCode === ReasonCode.STOPPED).length;
  if (options.signal?.aborted && unfinished > 0)
    report.headline = `Incomplete run: it was stopped before ${unfinished} of ${runs.length} cases had ended.`;
}

/** Returns a source without accounts: only cases that need no accounts can run. */
function emptySource(why: string): AccountSource {
  return {
    description: `none: ${why}`,
    unavailableReason: ({ count }) => (count === 0 ? undefined : `no accounts: ${why}`),
    lease: ({ count }) => (count === 0 ? Promise.resolve([]) : Promise.reject(new Error(why))),
    release: () => {},
    rotateEpoch: undefined,
    revokeToken: undefined,
  };
}
