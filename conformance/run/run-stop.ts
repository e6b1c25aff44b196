import { setMaxListeners } from "node:events";
import { type CaseResult, Outcome, ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Liveness } from "../transport/liveness.js";
import type { CheckOptions } from "./check-options.js";
import type { SkipReason } from "./skip.js";

/** Why a run ends before all its cases have run. */
export interface StopReason extends SkipReason {
  /** The verdict of the run in one line; empty if the cases that have run determine it. */
  headline: string;
}

/** Number of cases in a row that do not end within their time limit after which a run ends. */
const MAX_TIMEOUTS = 16;
/** The same for a run with little concurrency. */
const MIN_TIMEOUTS = 3;

/** Ends a run early, for the first of several reasons. */
export class RunStop {
  /** Why the run ends; undefined while it goes on. */
  reason: StopReason | undefined;
  readonly #controller = new AbortController();
  readonly #maxTimeouts: number;
  #timeouts = 0;

  /** `concurrency` is the number of cases that run at the same time. */
  constructor(concurrency: number) {
    // Each case that runs listens to it.
    setMaxListeners(0, this.signal);
    this.#maxTimeouts = Math.max(MIN_TIMEOUTS, Math.min(concurrency, MAX_TIMEOUTS));
  }

  /** Aborted as soon as there is a reason to end the run. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the run: no further case begins, and those that run are left after a time, in milliseconds. */
  stop(reason: StopReason, graceMs = 0): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    const abort = () => this.#controller.abort(new Error(reason.reason));
    if (graceMs === 0) abort();
    else setTimeout(abort, graceMs).unref();
  }

  /** Resolves with the value, or with undefined if there is a reason to end the run first. */
  async orStopped<T>(pending: Promise<T>): Promise<T | undefined> {
    const { signal } = this;
    let forget = () => {};
    const stopped = new Promise<undefined>((resolve) => {
      const stop = () => resolve(undefined);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      forget = () => signal.removeEventListener("abort", stop);
    });
    pending.catch(() => {}); // nobody waits for it once the run has ended
    try {
      return await Promise.race([pending, stopped]);
    } finally {
      forget();
    }
  }

  /** Ends the run when a signal is aborted. Returns a function that forgets the signal. */
  stopOn(signal: AbortSignal, reason: () => StopReason & { graceMs?: number }): () => void {
    const stop = () => {
      const { graceMs, ...it } = reason();
      this.stop(it, graceMs);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    return () => signal.removeEventListener("abort", stop);
  }

  /** Ends the run after a time; returns a function that cancels this. */
  stopAfter(ms: number): () => void {
    const reason = `the run did not end within its time limit of ${Math.round(ms / 1000)} s; see --time-limit`;
    const timer = setTimeout(
      () => this.stop(inconclusive(reason, ReasonCode.STOPPED, reason)),
      Math.min(ms, MAX_TIMER_MS),
    );
    timer.unref();
    return () => clearTimeout(timer);
  }

  /** Counts the cases in a row that did not end within their time limit: all further ones would take as long. */
  caseEnded(reasonCode: ReasonCode): void {
    this.#timeouts = reasonCode === ReasonCode.TIMEOUT ? this.#timeouts + 1 : 0;
    if (this.#timeouts < this.#maxTimeouts) return;
    const headline = `${this.#timeouts} cases in a row did not end within their time limit; for a slow server, see --timeout-scale`;
    this.stop(inconclusive(`not run: ${headline}`, ReasonCode.TIMEOUT, headline));
  }
}

/** Longest delay of a timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Time limit of a run, in milliseconds. */
const TIME_LIMIT_MS = 3_600_000;
/** Number of requests per second below which a rate limit lengthens a run. */
const USUAL_RATE = 1000;

/** The time limit of a run; by default one that only a server that never ends its cases exceeds. */
export function timeLimitOf({
  timeLimitMs,
  timeoutScale = 1,
  maxRequestsPerSecond = USUAL_RATE,
}: Pick<CheckOptions, "timeLimitMs" | "timeoutScale" | "maxRequestsPerSecond">): number {
  return timeLimitMs ?? TIME_LIMIT_MS * timeoutScale * Math.max(1, USUAL_RATE / maxRequestsPerSecond);
}

export const inconclusive = (reason: string, reasonCode: ReasonCode, headline = ""): StopReason => ({
  outcome: Outcome.INCONCLUSIVE,
  reason,
  reasonCode,
  headline,
});

/** How long the cases that run may go on once the server floods its clients, in milliseconds: to report what they saw. */
const FLOOD_GRACE_MS = 5000;

/** Returns why a run ends whose server, or whose own machine, makes no further response possible. */
export function withoutResponses(liveness: Liveness, running: readonly string[]): StopReason & { graceMs?: number } {
  const { silent, silentRpc, flood, localError } = liveness;
  if (localError !== undefined) {
    const { message } = localError;
    return { outcome: Outcome.ERROR, reason: message, reasonCode: ReasonCode.SUITE_ERROR, headline: message };
  }
  if (flood !== undefined) {
    const headline = `the server floods its clients: ${flood.responses} responses like this one: ${flood.why}`;
    return { ...inconclusive(`not run: ${headline}`, ReasonCode.SERVER_LIMIT, headline), graceMs: FLOOD_GRACE_MS };
  }
  if (silentRpc !== undefined) {
    const { name, attempts } = silentRpc;
    const headline = `${name} got no response in ${attempts} attempts in a row, although the server responds to other calls`;
    return inconclusive(`not run: ${headline}`, ReasonCode.SERVER_UNREACHABLE, headline);
  }
  const { responses = 0, lastResponse, why = "" } = silent ?? {};
  const [first, ...others] = running;
  const during =
    first === undefined ? "" : `, at ${first}${others.length === 0 ? "" : ` and ${others.length} other cases`}`;
  const time = lastResponse === undefined ? "" : `; last response at ${lastResponse.toISOString().slice(11, 19)} UTC`;
  const count = `${responses} response${responses === 1 ? "" : "s"}`;
  const headline = `the server stopped responding after ${count}${during}${time}; since then: ${why}`;
  return inconclusive("the server stopped responding", ReasonCode.SERVER_UNREACHABLE, headline);
}

/** Time after the last response within which a violation is a property of that response, in milliseconds. */
const LAST_RESPONSE_MS = 1000;

/** Whether a violation was only found because the server no longer responded. */
export function isAfterLastResponse(
  { outcome }: Pick<CaseResult, "outcome">,
  endedAt: number | undefined,
  { silent }: Pick<Liveness, "silent">,
): boolean {
  if (silent === undefined || endedAt === undefined) return false;
  const isViolation = outcome === Outcome.FAIL || outcome === Outcome.WARN;
  return isViolation && endedAt > (silent.lastResponse?.getTime() ?? 0) + LAST_RESPONSE_MS;
}
