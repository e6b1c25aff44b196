import { runnableTime } from "./deadline.js";
import { type LocalError, NoResponseError } from "./errors.js";

/** Time without any response after which a server counts as silent, in milliseconds, before the time scale. */
const SERVER_SILENCE_MS = 25_000;
/** The same for one RPC, while the server responds to others: it is up, so there is no reason to wait longer. */
const RPC_SILENCE_MS = 15_000;
/** Number of consecutive attempts without a response below which nothing counts as silent. */
const MIN_ATTEMPTS = 3;

/** Number of requests that are not sent, for one RPC, after which the run ends. */
const MAX_WITHHELD = 24;

/** Number of responses larger than the suite reads after which the run ends. */
const MAX_OVERSIZED = 8;

/** RPCs that a server can serve although its store no longer responds. */
const WITHOUT_STATE = / (GetServerInfo|CreateAccount)$/;

/** Consecutive attempts without a response. */
interface Silence {
  /** When the first of them ended, in runnable milliseconds. */
  from: number;
  attempts: number;
}

/** The result of a server that has stopped responding. */
export interface Silent {
  /** Number of responses before. */
  responses: number;
  /** Time of the last response; undefined if there was none. */
  lastResponse: Date | undefined;
  /** Why the last attempt had no response. */
  why: string;
}

/**
 * Notices that a server has stopped responding, so that a run does not wait for it in each of hundreds of cases. All
 * connections of a run share it.
 */
export class Liveness {
  /** Number of responses so far. */
  responses = 0;
  /** The server has stopped responding; undefined while it has not. */
  silent: Silent | undefined;
  /** This machine cannot make connections; undefined while it can. */
  localError: LocalError | undefined;
  /** The server does not respond to this RPC, while it responds to others. */
  silentRpc: { name: string; attempts: number } | undefined;
  /** The server sends responses without end; undefined while it does not. */
  flood: { responses: number; why: string } | undefined;
  #withheld = 0;
  #oversized = 0;
  readonly #scale: number;
  readonly #now: () => number;
  readonly #controller = new AbortController();
  readonly #byRpc = new Map<string, Silence>();
  #silence: Silence | undefined;
  #lastResponse: Date | undefined;
  #lastFailure = "";
  #isPaused = false;

  /** `scale` is the factor for time limits. Tests replace the clock, in milliseconds. */
  constructor(scale = 1, now: () => number = runnableTime) {
    this.#scale = scale;
    this.#now = now;
  }

  /** Aborted as soon as no further request can succeed: the server has stopped responding, or this machine cannot go on. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * A response has arrived. `rpc` is its RPC with the front end. A response to GetServerInfo or to a fixture does not end
   * a silence: a server that responds to nothing else is as good as silent.
   */
  responded(rpc?: string): void {
    if (rpc !== undefined) this.#byRpc.delete(rpc);
    this.responses += 1;
    if (rpc !== undefined && WITHOUT_STATE.test(rpc)) return;
    this.#lastResponse = new Date();
    this.#silence = undefined;
  }

  /** An attempt has ended without a response. */
  failed(rpc: string, why: string): void {
    if (this.#isPaused) return;
    const now = this.#now();
    this.#lastFailure = why;
    this.#silence = added(this.#silence, now);
    this.#byRpc.set(rpc, added(this.#byRpc.get(rpc), now));
    if (isLong(this.#silence, now, SERVER_SILENCE_MS * this.#scale)) this.#stopForSilence();
  }

  /** This machine cannot make a connection: nothing that is observed from now on says anything about the server. */
  failedLocally(error: LocalError): void {
    this.localError ??= error;
    this.#controller.abort(error);
  }

  /**
   * Returns why an RPC is not worth another attempt: the server leaves it unanswered, while it answers others. Undefined
   * if it is.
   */
  silenceOf(rpc: string): string | undefined {
    const silence = this.#byRpc.get(rpc);
    if (silence === undefined || !isLong(silence, this.#now(), RPC_SILENCE_MS * this.#scale)) return undefined;
    return `${silence.attempts} attempts in a row had no response; not tried again`;
  }

  /**
   * A request was not sent, because all front ends leave its RPC unanswered. After some of them there is no use in
   * further cases: nearly all of them need both Send and Sync. There is none at all if another RPC is silent, too, and
   * no response has come in between: without attempts, nothing else would notice that.
   */
  withheld(rpc: string): void {
    const silence = this.#byRpc.get(rpc);
    const names = new Set([...this.#byRpc.keys()].map(nameOf));
    if (silence !== undefined && this.#silence !== undefined && this.#silence.from <= silence.from && names.size > 1)
      this.#stopForSilence();
    const name = nameOf(rpc);
    if (!/^(Send|Sync)$/.test(name)) return;
    this.#withheld += 1;
    if (this.#withheld < MAX_WITHHELD || this.signal.aborted) return;
    this.silentRpc = { name, attempts: silence?.attempts ?? 0 };
    this.#controller.abort(new NoResponseError(`${name} gets no response`, { isPermanent: true }));
  }

  /** A response was larger than the suite reads. After some of them, further cases would only repeat it. */
  oversized(rpc: string, why: string): void {
    this.responded(rpc);
    this.#oversized += 1;
    if (this.#oversized < MAX_OVERSIZED || this.signal.aborted) return;
    this.flood = { responses: this.#oversized, why };
    this.#controller.abort(new NoResponseError(why, { isPermanent: true }));
  }

  /** The server is being restarted: until `resume`, missing responses are expected. */
  pause(): void {
    this.#isPaused = true;
  }

  /** The server is up again. */
  resume(): void {
    this.#isPaused = false;
    this.#silence = undefined;
    this.#byRpc.clear();
  }

  #stopForSilence(): void {
    if (this.silent !== undefined || this.signal.aborted) return;
    this.silent = { responses: this.responses, lastResponse: this.#lastResponse, why: this.#lastFailure };
    this.#controller.abort(new NoResponseError("the server has stopped responding", { isPermanent: true }));
  }
}

/** The RPC without its front end. */
const nameOf = (rpc: string) => rpc.slice(rpc.indexOf(" ") + 1);

function added(silence: Silence | undefined, now: number): Silence {
  return { from: silence?.from ?? now, attempts: (silence?.attempts ?? 0) + 1 };
}

const isLong = ({ from, attempts }: Silence, now: number, ms: number) => attempts >= MIN_ATTEMPTS && now - from >= ms;
