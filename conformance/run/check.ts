import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type CaseResult,
  Outcome,
  ReasonCode,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { resolveAccounts } from "../accounts/resolve.js";
import type { AccountSource } from "../accounts/source.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { pickConnection, Transport } from "../transport/http.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { type CaseRun, caseRuns, type RunnableCase } from "./case-run.js";
import type { CheckOptions } from "./check-options.js";
import { isUnexpected, markKnownFailures, reasonFor } from "./known-failures.js";
import { type RunContext, runCase } from "./run-case.js";
import { Secrets } from "./secrets.js";
import { inconclusiveByReason, type SkipReason, skipped, skipReason } from "./skip.js";
import { summarize } from "./summarize.js";
import { probe, withoutUserInfo } from "./target.js";

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
  const {
    urls,
    timeoutScale = 1,
    seed = randomBytes(4).readUInt32LE(),
    signal = new AbortController().signal,
  } = options;
  if (urls.length === 0) throw new TypeError("check needs at least one URL");
  const started = new Date();
  const transport = new Transport({ ...pickConnection(options), urls, timeoutMs: 10_000 * timeoutScale });
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
    await runCases(report, transport, { ...options, timeoutScale, seed, signal }, secrets);
  } finally {
    await transport.close();
  }
  secrets.hide(report);
  summarize(report);
  markKnownFailures(report, options.knownFailures ?? []);
  report.duration = durationFromMs(Date.now() - started.getTime());
  return report;
}

type Settings = CheckOptions & Required<Pick<CheckOptions, "timeoutScale" | "seed" | "signal">>;

/** Runs the cases, and writes what the server declared and the results into the report. */
async function runCases(report: Report, transport: Transport, options: Settings, secrets: Secrets): Promise<void> {
  const probed = await probe(transport);
  const select = options.select ?? (() => true);
  if ("problem" in probed) {
    report.headline = probed.problem;
    report.cases = caseRuns(CATALOGUE, ["proto"])
      .filter(select)
      .map((run) => skipped(run, inconclusive(probed.problem, ReasonCode.SERVER_UNREACHABLE)));
    return;
  }
  const { info } = probed;
  report.specVersion = info.specVersion;
  report.implementation = info.implementation;
  report.profiles = info.profiles.map((profile) => Profile[profile] ?? String(profile));

  const codecs = (options.codecs ?? ["proto", "json"]).filter(
    (codec) => codec === "proto" || info.profiles.includes(Profile.JSON),
  );
  const runs = caseRuns(CATALOGUE, codecs).filter(select);
  const accounts = await resolveAccounts(transport, options);
  const source = secrets.watch("unavailable" in accounts ? emptySource(accounts.unavailable) : accounts);
  report.accounts = source.description;
  options.onStart?.({
    cases: runs,
    accounts: source.description,
    accountsUnavailable: "unavailable" in accounts ? accounts.unavailable : undefined,
    info,
    inconclusive: inconclusiveByReason(runs, source, info),
  });

  const { timeoutScale, seed, bail = Number.POSITIVE_INFINITY, knownFailures = [] } = options;
  const bailing = new AbortController();
  const signal = AbortSignal.any([options.signal, bailing.signal]);
  const context: RunContext = {
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
  const stopped = () =>
    inconclusive(
      bailing.signal.aborted
        ? `not run: the run stopped after ${failures} failure${failures === 1 ? "" : "s"}`
        : "not run: the run was stopped",
      ReasonCode.STOPPED,
    );
  const perform = async (run: RunnableCase) => {
    const skip = skipReason(run, info, options) ?? (signal.aborted ? stopped() : undefined);
    let result: CaseResult;
    if (skip !== undefined) result = skipped(run, skip);
    else {
      const { retried, ...ended } = await runCase(run, context);
      report.retriedCalls += retried;
      result = secrets.hide(ended);
      result.knownFailure = reasonFor(result, knownFailures);
      if (isUnexpected(result)) failures += 1;
      if (failures >= bail) bailing.abort();
    }
    results.set(run, result);
    options.onResult?.(result);
  };
  // Slow cases mostly wait: they start first, so that the other cases run during the wait.
  const queue = runs
    .filter((run) => !run.case.needs?.restart)
    .sort((a, b) => Number(b.case.slow ?? false) - Number(a.case.slow ?? false));
  await Promise.all(
    Array.from({ length: options.concurrency ?? 16 }, async () => {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) await perform(run);
    }),
  );
  // A restart would disturb every other case: crash cases run alone.
  for (const run of runs) if (run.case.needs?.restart) await perform(run);
  report.cases = runs.flatMap((run) => results.get(run) ?? []);
}

const inconclusive = (reason: string, reasonCode: ReasonCode): SkipReason => ({
  outcome: Outcome.INCONCLUSIVE,
  reason,
  reasonCode,
});

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
