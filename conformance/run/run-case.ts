import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  Outcome,
  ReasonCode,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { type Finding, Inconclusive, NoResponseFailure, newFinding, Violation } from "../findings.js";
import { Context } from "../harness/context.js";
import { Exchanges } from "../history/exchanges.js";
import { recordPrologue } from "../history/prologue.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import { type CaseRun, profileOf, type RunnableCase } from "./case-run.js";
import { seeded } from "./random.js";
import { accountRequestOf, unavailableReason } from "./skip.js";
import { probe } from "./target.js";

/** What all cases of a run share. */
export interface RunContext {
  transport: Transport;
  info: GetServerInfoResponse;
  source: AccountSource;
  seed: number;
  nonce: string;
  timeoutScale: number;
  signal: AbortSignal;
  /** Kills the server and starts it again; undefined without a restart command. */
  restart?: (() => Promise<void>) | undefined;
  /** Called with the history of each case as it ends. */
  onHistory?: ((name: string, events: readonly Event[]) => void) | undefined;
  /** Called with the number of random programs that a case has run so far. */
  onProgram?: ((id: string, programs: number) => void) | undefined;
  /** Arguments of `seqsync check` that reach this server. */
  invocation: string;
}

/** Time limit of a case, in milliseconds, before `timeoutScale`. */
const CASE_TIMEOUT_MS = 60_000;
/** Longest delay of a timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Number of events that the report keeps of the history of a case that did not pass. */
export const SHOWN_EVENTS = 400;

/** Runs one case with its own accounts. Never rejects: an error of the suite is a result too. */
export async function runCase(run: RunnableCase, shared: RunContext): Promise<CaseResult & { retried: number }> {
  let started = performance.now();
  const exchanges = new Exchanges();
  const session = new Session(shared.transport.withExchangeListener(exchanges.onExchange), run.codec, numberOf(run.id));
  const judge = new Judge();
  let judgeError: unknown;
  const recorder = new Recorder((event) => {
    try {
      judge.observe(event);
    } catch (error) {
      judgeError ??= error;
    }
  });
  let leases: Lease[] = [];
  let context: Context | undefined;
  let failure: unknown;
  try {
    const unavailable = unavailableReason(run.case, shared.source);
    if (unavailable !== undefined) throw new Inconclusive(unavailable.reason, unavailable.reasonCode);
    leases = await shared.source.lease(accountRequestOf(run.case));
    // The wait for accounts does not count.
    started = performance.now();
    const limit = AbortSignal.timeout(
      Math.min(CASE_TIMEOUT_MS * shared.timeoutScale * rateLimitFactor(shared), MAX_TIMER_MS),
    );
    const signal = AbortSignal.any([limit, shared.signal]);
    recordPrologue(recorder, { name: run.id, info: shared.info, seed: shared.seed, accounts: leases });
    context = new Context({
      ...shared,
      session,
      recorder,
      leases,
      nonce: `${shared.nonce}-${numberOf(run.id)}`,
      random: seeded(shared.seed, run.id),
      signal,
      onProgram: (programs) => shared.onProgram?.(run.id, programs),
    });
    const ready = context;
    await orAborted(
      prepare(ready, leases).then(() => run.case.run(ready)),
      signal,
      limit,
    );
  } catch (error) {
    failure = error;
  } finally {
    context?.end();
  }

  const result =
    judgeError === undefined
      ? await toOutcome(judge, context?.findings ?? [], failure, shared)
      : suiteError(judgeError);
  shared.onHistory?.(run.id, recorder.events);
  shared.source.release(leases);
  const failed = result.outcome !== Outcome.PASS && result.outcome !== Outcome.NOT_APPLICABLE;
  return {
    ...create(CaseResultSchema, {
      id: run.id,
      title: run.case.title,
      requirements: [...run.case.requirements],
      profile: profileOf(run.case),
      ...result,
      duration: durationFromMs(Math.round(performance.now() - started)),
      history: failed ? recorder.events.slice(-SHOWN_EVENTS) : [],
      exchanges: failed ? exchanges.toMessages() : [],
      reproduce: failed ? (context?.reproduce ?? reproduce(run, shared)) : "",
    }),
    retried: session.retried,
  };
}

/** Drains the accounts that are not new, so that the case can count from their current state. */
async function prepare(context: Context, leases: readonly Lease[]): Promise<void> {
  for (const [index, { startSeq }] of leases.entries()) {
    if (startSeq !== undefined) continue;
    const account = context.accounts[index];
    const sweeper = account?.device("sweeper");
    await sweeper?.drain();
    if (account !== undefined && sweeper !== undefined) {
      account.base = sweeper.cliSeq;
      account.epoch = sweeper.epoch;
    }
  }
}

type CaseOutcome = Pick<CaseResult, "outcome" | "reason" | "reasonCode" | "findings">;

/** Makes the outcome of a case from the findings and from the error that ended it, if any. */
async function toOutcome(
  judge: Judge,
  others: readonly Finding[],
  failure: unknown,
  shared: RunContext,
): Promise<CaseOutcome> {
  let findings: Finding[];
  try {
    findings = [...judge.finish(), ...others];
  } catch (error) {
    return suiteError(error);
  }
  if (failure instanceof Violation) findings.push(failure.finding);
  if (failure instanceof NoResponseFailure) {
    const probed = await probe(shared.transport);
    if ("problem" in probed) return noVerdict(Outcome.INCONCLUSIVE, probed.problem, ReasonCode.SERVER_UNREACHABLE);
    const { requirement, message } = failure;
    const actual = "no response, although the server is up";
    findings.push(newFinding({ requirement, message, expected: "a response", actual }));
  }
  if (findings.length > 0) {
    const outcome = findings.some(({ requirement }) => REQUIREMENTS[requirement].level === "MUST")
      ? Outcome.FAIL
      : Outcome.WARN;
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

/** Returns the command that runs a case again. */
function reproduce({ case: { id }, codec }: CaseRun, { invocation, seed }: RunContext): string {
  return `seqsync check ${invocation} --only ${id} --codec ${codec} --seed ${seed}`;
}

/** Rejects as inconclusive when the time limit passes, or the run is stopped, before the case ends. */
async function orAborted<T>(running: Promise<T>, signal: AbortSignal, limit: AbortSignal): Promise<T> {
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () =>
      reject(
        limit.aborted
          ? new Inconclusive("the case did not end within its time limit; see --timeout-scale", ReasonCode.TIMEOUT)
          : new Inconclusive("the run was stopped before the case ended", ReasonCode.STOPPED),
      );
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([running, stopped]);
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
