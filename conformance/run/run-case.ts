import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  type Exchange,
  Outcome,
  ReasonCode,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { type Finding, Inconclusive, NoResponseFailure, newFinding, Violation } from "../findings.js";
import { Context } from "../harness/context.js";
import { changedInfo } from "../harness/declared.js";
import { isContentAspect, variationOf } from "../harness/variation.js";
import { Exchanges } from "../history/exchanges.js";
import { recordPrologue } from "../history/prologue.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import { seeded } from "../random.js";
import { rootCauseFirst } from "../report/model/grouping.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import { type CaseRun, profileOf, type RunnableCase } from "./case-run.js";
import { outcomeOfFindings } from "./outcome.js";
import { accountRequestOf, type SkipReason, unavailableReason } from "./skip.js";
import { probe } from "./target.js";
import { TimeLimit } from "./time-limit.js";

/** What all cases of a run share. */
export interface RunContext {
  transport: Transport;
  /** What the server declared last. */
  info: GetServerInfoResponse;
  source: AccountSource;
  seed: number;
  nonce: string;
  /** Number of runs of cases so far. */
  executions: number;
  /** The aspects that failures were found to need alone, with the number of cases. */
  blamedAspects: Map<string, number>;
  timeoutScale: number;
  /** Aborted when the run ends early. */
  signal: AbortSignal;
  /** Why the run ends early. Default: it was stopped. */
  stopReason?: (() => SkipReason | undefined) | undefined;
  /** Kills the server and starts it again; undefined without a restart command. */
  restart?: (() => Promise<void>) | undefined;
  /** Called with the history of each case as it ends. */
  onHistory?: ((name: string, events: readonly Event[]) => void) | undefined;
  /** Called with each exchange of a case when it has ended. */
  onExchange?: ((id: string, exchange: Exchange) => void) | undefined;
  /** Called with the number of random programs that a case has run so far. */
  onProgram?: ((id: string, programs: number) => void) | undefined;
  /** Arguments of `seqsync check` that reach this server. */
  invocation: string;
}

/** Bounds of a case. */
interface Bounds {
  /** Time limit, in milliseconds, before `timeoutScale`. */
  timeoutMs: number;
  /**
   * Maximum size of the history, in events and messages of pages: a server may send frames without end. It is twice what
   * the largest case needs.
   */
  maxHistory: number;
}
const BOUNDS: Bounds = { timeoutMs: 60_000, maxHistory: 20_000 };
const THOROUGH_BOUNDS: Bounds = { timeoutMs: 300_000, maxHistory: 150_000 };
/** Number of violations after which a case ends: a server may invent a message for each page. */
const MAX_VIOLATIONS = 300;
/** Number of events that the report keeps of the history of a case that did not pass. */
export const SHOWN_EVENTS = 400;

/** Number of times that a case runs again because the declared limits have changed. */
const MAX_REPETITIONS = 2;

/** One run of a case. */
export interface Execution {
  result: CaseResult;
  /** Number of calls that were retried. */
  retried: number;
  /** The aspects that varied: of the form, those that applied to a request. */
  varied: string[];
  events: readonly Event[];
}

/**
 * Runs one case with its own accounts; `aspects` of its requests and messages vary. Never rejects: an error of the
 * suite is a result too.
 */
export async function runCase(
  run: RunnableCase,
  shared: RunContext,
  aspects: ReadonlySet<string>,
  repetition = 0,
): Promise<Execution> {
  const { info } = shared;
  const bounds = run.case.thorough ? THOROUGH_BOUNDS : BOUNDS;
  let started = performance.now();
  const judge = new Judge(shared.timeoutScale);
  let judgeError: unknown;
  const overflow = new AbortController();
  let size = 0;
  const recorder = new Recorder((event) => {
    if (overflow.signal.aborted) return;
    size += event.body.case === "syncReturn" ? 1 + event.body.value.messages.length : 1;
    try {
      judge.observe(event);
    } catch (error) {
      judgeError ??= error;
    }
    const problem = overflowOf(size, bounds.maxHistory, judge.violations);
    if (problem !== undefined) overflow.abort(problem);
  });
  const exchanges = new Exchanges(() => recorder.now(), shared.onExchange && ((it) => shared.onExchange?.(run.id, it)));
  const session = new Session(shared.transport.withExchangeListener(exchanges), run.codec, numberOf(run.id));
  const { forms, contents } = variationOf(shared.seed, run.id, aspects);
  session.forms = forms;
  session.onFlood = (why) => overflow.abort(new Inconclusive(why, ReasonCode.SERVER_LIMIT));
  let leases: Lease[] = [];
  let context: Context | undefined;
  let failure: unknown;
  try {
    const unavailable = unavailableReason(run.case, shared.source);
    if (unavailable !== undefined) throw new Inconclusive(unavailable.reason, unavailable.reasonCode);
    leases = await shared.source.lease(accountRequestOf(run.case));
    // The wait for accounts does not count.
    started = performance.now();
    const limit = new TimeLimit(bounds.timeoutMs * shared.timeoutScale * rateLimitFactor(shared));
    const signal = AbortSignal.any([limit.signal, overflow.signal, shared.signal]);
    const { restart } = shared;
    recordPrologue(recorder, { name: run.id, info: shared.info, seed: shared.seed, accounts: leases });
    context = new Context({
      ...shared,
      // How long a restart takes is no property of the case.
      restart: restart && (() => limit.without(restart)),
      session,
      recorder,
      leases,
      // A further run of the case has ids of its own, in case the accounts are used again.
      nonce: `${shared.nonce}-${numberOf(`${run.id} ${shared.executions++}`).toString(36)}`,
      contents,
      random: seeded(shared.seed, run.id),
      signal,
      exchanges,
      onProgram: (programs) => shared.onProgram?.(run.id, programs),
    });
    context.onEnd(() => limit.end());
    const ready = context;
    await orAborted(
      prepare(ready).then(() => run.case.run(ready)),
      signal,
      () => {
        if (overflow.signal.aborted) return overflow.signal.reason;
        return limit.signal.aborted ? new Inconclusive(TIMED_OUT, ReasonCode.TIMEOUT) : stopped(shared);
      },
    );
  } catch (error) {
    failure = error;
  } finally {
    context?.end();
    session.end();
    try {
      await context?.restoreClock();
    } catch (error) {
      failure ??= error;
    }
  }

  let result =
    judgeError === undefined
      ? await toOutcome(judge, context?.findings ?? [], failure, shared)
      : suiteError(judgeError);
  if (result.findings.length > 0) {
    const asked = changedInfo(shared.transport, info);
    const changed = await orAborted(asked, shared.signal, () => stopped(shared)).catch(() => undefined);
    if (changed !== undefined) {
      shared.info = changed;
      if (repetition < MAX_REPETITIONS) {
        shared.source.release(leases);
        return runCase(run, shared, aspects, repetition + 1);
      }
      result = noVerdict(Outcome.INCONCLUSIVE, LIMITS_CHANGED, ReasonCode.SERVER_LIMIT);
    }
  }
  shared.source.release(leases);
  const failed = result.outcome !== Outcome.PASS && result.outcome !== Outcome.NOT_APPLICABLE;
  const varied = [...aspects].filter((name) => forms.used.has(name as never) || isContentAspect(name));
  return {
    result: create(CaseResultSchema, {
      id: run.id,
      title: run.case.title,
      requirements: [...run.case.requirements],
      profile: profileOf(run.case),
      ...result,
      findings: rootCauseFirst(result.findings, run.case.requirements),
      duration: durationFromMs(Math.round(performance.now() - started)),
      history: failed ? recorder.events.slice(-SHOWN_EVENTS) : [],
      exchanges: failed ? exchanges.toMessages(result.findings) : [],
      accounts: failed ? accountsOf(context) : [],
      reproduce: failed ? (context?.reproduce ?? commandOf(run, shared, varied)) : "",
    }),
    retried: session.retried,
    varied,
    events: recorder.events,
  };
}

/** Drains the accounts that are not new. */
async function prepare({ accounts }: Context): Promise<void> {
  for (const account of accounts) if (!account.isFresh) await account.sweep();
}

const accountsOf = (context: Context | undefined) =>
  (context?.accounts ?? []).map(({ name, userId, startSeq }) => ({
    name,
    userId,
    ...(startSeq === undefined ? {} : { startSeq }),
  }));

type CaseOutcome = Pick<CaseResult, "outcome" | "reason" | "reasonCode" | "findings">;

/** Makes the outcome of a case from the findings and from the error that ended it, if any. */
async function toOutcome(
  judge: Judge,
  others: readonly Finding[],
  failure: unknown,
  shared: RunContext,
): Promise<CaseOutcome> {
  const localError = shared.transport.connection.liveness?.localError;
  if (localError !== undefined) return noVerdict(Outcome.ERROR, localError.message, ReasonCode.SUITE_ERROR);
  let findings: Finding[];
  try {
    findings = [...judge.finish(), ...others];
  } catch (error) {
    return suiteError(error);
  }
  if (failure instanceof Violation) findings.push(failure.finding);
  if (failure instanceof NoResponseFailure) {
    const probed = await orAborted(probe(shared.transport), shared.signal, () => stopped(shared)).catch(
      (error: Error) => ({ problem: error.message }),
    );
    if ("problem" in probed) return noVerdict(Outcome.INCONCLUSIVE, probed.problem, ReasonCode.SERVER_UNREACHABLE);
    const { requirement, message } = failure;
    const actual = "no response, although the server is up";
    findings.push(newFinding({ requirement, message, expected: "a response", actual }));
  }
  if (findings.length > 0) {
    const outcome = outcomeOfFindings(findings);
    // The findings of the judge remain valid, even if an error of the suite then ended the case.
    const { reason, reasonCode } = isSuiteError(failure) ? suiteError(failure) : NO_REASON;
    return { outcome, reason, reasonCode, findings };
  }
  if (failure instanceof Inconclusive) return noVerdict(Outcome.INCONCLUSIVE, failure.message, failure.code);
  if (failure !== undefined) return suiteError(failure);
  return { outcome: Outcome.PASS, ...NO_REASON, findings: [] };
}

const NO_REASON = { reason: "", reasonCode: ReasonCode.UNSPECIFIED };

const noVerdict = (outcome: Outcome, reason: string, reasonCode: ReasonCode): CaseOutcome => ({
  outcome,
  reason,
  reasonCode,
  findings: [],
});

const isSuiteError = (failure: unknown) =>
  failure !== undefined &&
  !(failure instanceof Violation || failure instanceof NoResponseFailure || failure instanceof Inconclusive);

/** An error of the suite, which says nothing about the server. */
function suiteError(error: unknown): CaseOutcome {
  const at = /\(?([^\s(]*[\\/][^\s)]+:\d+):\d+\)?$/m.exec(error instanceof Error ? (error.stack ?? "") : "")?.[1];
  // Relative to the suite, so that a report does not reveal where the suite is installed.
  const place = at?.replace(/^.*[\\/](?=conformance[\\/])/, "");
  const where = place === undefined ? "" : ` (${place})`;
  return noVerdict(
    Outcome.ERROR,
    `error in the suite, not in the server; please report it: ${error}${where}`,
    ReasonCode.SUITE_ERROR,
  );
}

/** Returns the command that runs a case again, with the same forms and contents. */
export function commandOf(
  { case: { id }, codec }: CaseRun,
  { invocation, seed }: RunContext,
  varied: string[],
): string {
  const vary = varied.length === 0 ? "none" : varied.join(",");
  return `npx seqsync check ${invocation} --only ${id} --codec ${codec} --seed ${seed} --vary ${vary}`;
}

/** Returns why the history of a case, or its number of violations, is too large to continue; undefined if it is not. */
function overflowOf(size: number, maxHistory: number, violations: number): Inconclusive | undefined {
  if (violations > MAX_VIOLATIONS)
    return new Inconclusive(`the case ended after ${MAX_VIOLATIONS} violations`, ReasonCode.SERVER_LIMIT);
  if (size <= maxHistory) return undefined;
  const what = `the server sent more than ${maxHistory} frames, messages and other responses in one case`;
  return new Inconclusive(`${what}; the suite reads no more`, ReasonCode.SERVER_LIMIT);
}

const LIMITS_CHANGED = "the limits or profiles that the server declares changed each time that the case ran";

const TIMED_OUT = "the case did not end within its time limit; see --timeout-scale";

/** The end of a case whose run ends early. */
function stopped({ stopReason }: RunContext): Inconclusive {
  const { reason, reasonCode } = stopReason?.() ?? {
    reason: "the run was stopped before the case ended",
    reasonCode: ReasonCode.STOPPED,
  };
  return new Inconclusive(reason, reasonCode);
}

/** Rejects with the reason when the signal is aborted before the promise settles. */
async function orAborted<T>(running: Promise<T>, signal: AbortSignal, reason: () => Error): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(reason());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([running, aborted]);
  } finally {
    // Node keeps a combined signal alive for as long as it has a listener.
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Factor for the time limit where a rate limit delays the requests: a case is assumed to make up to 1000 requests per
 * second.
 */
function rateLimitFactor({ transport: { connection } }: RunContext): number {
  const { rateLimiter } = connection;
  return rateLimiter === undefined ? 1 : Math.max(1, 1000 / rateLimiter.perSecond);
}

/** A 32-bit number derived from a name, so that the ids of different cases differ. */
const numberOf = (id: string) => Math.floor(seeded(0, id)() * 0xffff_ffff);
