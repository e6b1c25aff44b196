/** Longest single wait, in milliseconds. */
const SLICE_MS = 100;

/** How old, in milliseconds, an answer of `timeHad` may be: to ask the system costs more than to make a request. */
const GRAIN_MS = 20;
let looked = Number.NEGATIVE_INFINITY;
let had = 0;

/**
 * Milliseconds that this process has had since it began: at rest, with nothing to do, or at work on a processor. What is missing
 * to the time of the clock it spent waiting for a processor, with work in its hands. Threads that run beside may add to it.
 */
function runnableTime(now = performance.now()): number {
  if (now - looked < GRAIN_MS) return had;
  const { user, system } = process.cpuUsage();
  looked = now;
  had = performance.eventLoopUtilization().idle + (user + system) / 1000;
  return had;
}

/**
 * The time that is left of a deadline, counted only while this process kept up. On a machine that is too busy to run the suite,
 * seconds may pass in which nothing that has arrived was looked at, or in which it got a sliver of a processor now and then: those
 * must not count against the server.
 */
export class Deadline {
  #left: number;
  #since: number | undefined;
  #had = 0;
  #slice = 0;

  /** Begins with the first `next`. */
  constructor(ms: number) {
    this.#left = ms;
  }

  /** How long to wait before looking again, in milliseconds; 0 when the deadline has passed. */
  next(): number {
    const now = performance.now();
    const hadNow = runnableTime(now);
    if (this.#since !== undefined) this.#left -= Math.min(now - this.#since, hadNow - this.#had, 2 * this.#slice);
    this.#since = now;
    this.#had = hadNow;
    this.#slice = Math.max(0, Math.min(SLICE_MS, this.#left));
    return this.#slice;
  }
}

/** Calls back once the deadline has passed, unless it is called off with what this answers. */
export function afterDeadline(ms: number, callback: () => void): () => void {
  const patience = new Deadline(ms);
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const slice = patience.next();
    if (slice <= 0) callback();
    else timer = setTimeout(wait, slice);
  };
  wait();
  return () => clearTimeout(timer);
}

/**
 * The same for what is asked for thousands of times a second: it looks once, when the time is up by the clock, and waits for what
 * the process has not had of it.
 */
export function afterRunnableTime(ms: number, callback: () => void): () => void {
  const started = runnableTime();
  const look = () => {
    const left = ms - (runnableTime() - started);
    if (left < 1) callback();
    else timer = setTimeout(look, left);
  };
  let timer = setTimeout(look, ms);
  return () => clearTimeout(timer);
}
