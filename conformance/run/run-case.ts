import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Event, HeaderSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  FindingSchema,
  Outcome,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountRequest, AccountSource, Lease } from "../accounts/source.js";
import { type Finding, Inconclusive, NoResponseFailure, Violation } from "../findings.js";
import type { Case } from "../harness/case.js";
import { Context } from "../harness/context.js";
import { Exchanges } from "../history/exchanges.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import { rateLimiterOf } from "../transport/rate-limit.js";
import { HISTORY_FORMAT } from "../version.js";
import { seeded } from "./random.js";
import { probe } from "./target.js";

/** Everything that the cases of a run share. */
export interface RunContext {
  transport: Transport;
  info: GetServerInfoResponse;
  source: AccountSource;
  seed: number;
  nonce: string;
  timeoutScale: number;
  signal: AbortSignal;
  /** Kills the server and starts it again; undefined if nobody said how. */
  restart?: (() => Promise<void>) | undefined;
  /** Hears of the history of each case. */
  onHistory?: ((name: string, events: readonly Event[]) => void) | undefined;
  /** Hears how many programs a case that explores has run. */
  onProgram?: ((id: string, programs: number) => void) | undefined;
  /** Arguments of the command that reach this target again. */
  invocation: string;
}

/** A case in one codec: what is run, and what a report has a line for. */
export interface CaseRun {
  /** The case's id, and the codec where there is more than one. */
  id: string;
  /** What is run. */
  case: Case;
  /** In which codec. */
  codec: Codec;
}

/** How long a case may take, in milliseconds, before it is given up. */
const CASE_TIMEOUT_MS = 60_000;
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How many events of its history a failed case shows. */
const SHOWN_EVENTS = 400;

/** Runs one case on its own accounts. Never rejects: whatever happens is a result. */
export async function runCase(job: CaseRun, stage: RunContext): Promise<CaseResult & { retried: number }> {
  let started = performance.now();
  const exchanges = new Exchanges();
  const session = new Session(stage.transport.withExchangeListener(exchanges.onExchange), job.codec, numberOf(job.id));
  const judge = new Judge();
  let judgeBug: unknown;
  const recorder = new Recorder((event) => {
    try {
      judge.observe(event);
    } catch (error) {
      judgeBug ??= error;
    }
  });
  let leases: Lease[] = [];
  let context: Context | undefined;
  let ending: unknown;
  try {
    const lacking = unavailableReason(job.case, stage.source);
    if (lacking !== undefined) throw new Inconclusive(lacking);
    leases = await stage.source.lease(accountRequestOf(job.case));
    // The case's own time begins when it has its accounts.
    started = performance.now();
    const limit = AbortSignal.timeout(
      Math.min(CASE_TIMEOUT_MS * stage.timeoutScale * rateLimitFactor(stage), MAX_TIMER_MS),
    );
    const signal = AbortSignal.any([limit, stage.signal]);
    recorder.complete(0n, { case: "header", value: header(stage, job.id) });
    context = new Context({
      ...stage,
      session,
      recorder,
      leases,
      nonce: `${stage.nonce}-${numberOf(job.id)}`,
      random: seeded(stage.seed, job.id),
      signal,
      onProgram: (programs) => stage.onProgram?.(job.id, programs),
    });
    const playing = context;
    const run = prepare(playing, leases).then(() => job.case.run(playing));
    await orAborted(run, signal);
  } catch (error) {
    ending = error;
  } finally {
    context?.end();
  }

  const result =
    judgeBug === undefined ? await toOutcome(judge, context?.found ?? [], ending, stage) : suiteError(judgeBug);
  stage.onHistory?.(job.id, recorder.events);
  stage.source.release(leases);
  const failed = result.outcome !== Outcome.PASS && result.outcome !== Outcome.NOT_APPLICABLE;
  return {
    ...create(CaseResultSchema, {
      id: job.id,
      title: job.case.title,
      requirements: [...job.case.requirements],
      profile: profileOf(job.case),
      ...result,
      duration: durationFromMs(Math.round(performance.now() - started)),
      history: failed ? recorder.events.slice(-SHOWN_EVENTS) : [],
      exchanges: failed ? exchanges.toMessages() : [],
      reproduce: failed ? (context?.reproduce ?? reproduce(job, stage)) : "",
    }),
    retried: session.retried,
  };
}

/** Tells the judge who plays. An account with a past is brought up to date first, so that the case can count from there. */
async function prepare(context: Context, leases: readonly Lease[]): Promise<void> {
  for (const [index, { userId, startSeq }] of leases.entries()) {
    context.recorder.complete(0n, {
      case: "accountOpened",
      value: {
        $typeName: "seqsync.conformance.v1.AccountOpened",
        userId,
        ...(startSeq === undefined ? {} : { startSeq }),
      },
    });
    if (startSeq !== undefined) continue;
    const party = context.accounts[index];
    const sweeper = party?.device("sweeper");
    await sweeper?.drain();
    if (party !== undefined && sweeper !== undefined) {
      party.base = sweeper.cliSeq;
      party.epoch = sweeper.epoch;
    }
  }
}

type CaseOutcome = Pick<CaseResult, "outcome" | "reason" | "findings">;

/** Turns what the judge found and how the case ended into an outcome. */
async function toOutcome(
  judge: Judge,
  others: readonly Finding[],
  ending: unknown,
  stage: RunContext,
): Promise<CaseOutcome> {
  let found: (Finding & { byJudge: boolean })[];
  try {
    found = [...judge.finish(), ...others].map((finding) => ({ ...finding, byJudge: true }));
  } catch (error) {
    return suiteError(error);
  }
  if (ending instanceof Violation) found.push({ ...ending.finding, byJudge: ending.byJudge });
  if (ending instanceof NoResponseFailure) {
    const greeting = await probe(stage.transport);
    if ("problem" in greeting) return { outcome: Outcome.INCONCLUSIVE, reason: greeting.problem, findings: [] };
    found.push({
      requirement: ending.requirement,
      message: ending.message,
      expected: "an answer",
      actual: "none, though the server is up",
      evidence: [],
      byJudge: true,
    });
  }
  if (found.length > 0) {
    const outcome = found.some(({ requirement }) => REQUIREMENTS[requirement].level === "MUST")
      ? Outcome.FAIL
      : Outcome.WARN;
    // What the judge saw on the wire stands, whatever became of the case.
    const reason = ending === undefined || isVerdict(ending) ? "" : suiteError(ending).reason;
    return { outcome, reason, findings: found.map(toMessage) };
  }
  if (ending instanceof Inconclusive) return { outcome: Outcome.INCONCLUSIVE, reason: ending.message, findings: [] };
  if (ending !== undefined) return suiteError(ending);
  return { outcome: Outcome.PASS, reason: "", findings: [] };
}

const isVerdict = (ending: unknown) =>
  ending instanceof Violation || ending instanceof NoResponseFailure || ending instanceof Inconclusive;

/** A bug of the suite, which says nothing about the server. */
function suiteError(error: unknown): CaseOutcome {
  const at = /\(?([^\s(]*[\\/][^\s)]+:\d+):\d+\)?$/m.exec(error instanceof Error ? (error.stack ?? "") : "")?.[1];
  // From here on, so that a report does not tell where the suite is installed.
  const place = at?.replace(/^.*[\\/](?=conformance[\\/])/, "");
  return {
    outcome: Outcome.ERROR,
    reason: `the suite itself went wrong; please report this: ${error}${place === undefined ? "" : ` (${place})`}`,
    findings: [],
  };
}

const toMessage = (finding: Finding & { byJudge: boolean }) =>
  create(FindingSchema, { ...finding, evidence: [...finding.evidence] });

const accountRequestOf = ({ needs = {} }: Case): AccountRequest => ({
  count: needs.accounts ?? 2,
  fresh: needs.fresh ?? false,
  startSeq: needs.startSeq ?? 0,
});

/** What a case needs and these accounts do not come with; undefined if it can run. */
export function unavailableReason(it: Case, source: AccountSource): string | undefined {
  const { needs = {} } = it;
  const fixture = (name: string) => `needs the fixture ${name}, which these accounts do not come with`;
  if (needs.rotateEpoch && source.rotateEpoch === undefined) return fixture("RotateEpoch");
  if (needs.revokeToken && source.revokeToken === undefined) return fixture("RevokeToken");
  return source.unavailableReason(accountRequestOf(it));
}

/** The command that runs a case again. */
function reproduce({ case: { id }, codec }: CaseRun, { invocation, seed }: RunContext): string {
  return `seqsync check ${invocation} --only ${id} --codec ${codec} --seed ${seed}`;
}

/** The profile that a case belongs to: that of the requirement that it is named for. */
export const profileOf = ({ requirements: [first] }: Case): string => REQUIREMENTS[first as RequirementId].profile;

function header({ info, seed }: RunContext, name: string) {
  const { specVersion, implementation, profiles, maxPageSize, dedupWindow } = info;
  return create(HeaderSchema, {
    format: HISTORY_FORMAT,
    name,
    specVersion,
    implementation,
    profiles,
    maxPageSize,
    seed,
    ...(dedupWindow ? { dedupWindow } : {}),
  });
}

/** Rejects when the time is up: nothing came that the case could blame. */
async function orAborted<T>(run: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new Inconclusive("the case did not end in time, or the run was stopped"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([run, stopped]);
  } finally {
    // Node keeps a signal made of others for as long as somebody listens to it.
    signal.removeEventListener("abort", stop);
  }
}

/** How much longer a case may take where requests are held back: as if it had a thousand of them each second. */
function rateLimitFactor({ transport: { connection } }: RunContext): number {
  const { maxRequestsPerSecond: pace } = connection;
  return pace === undefined ? 1 : Math.max(1, 1000 / rateLimiterOf(pace).perSecond);
}

/** A small number for a name, so that each case has ids of its own. */
const numberOf = (id: string) => Math.floor(seeded(0, id)() * 0xffff_ffff);
