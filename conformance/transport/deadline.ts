/** Longest single wait, in milliseconds. */
const SLICE_MS = 100;

/**
 * Maximum age of the cached runnable time, in milliseconds: reading the processor time takes longer than making a
 * request.
 */
const CACHE_MS = 20;
let readAt = Number.NEGATIVE_INFINITY;
let cached = 0;

/**
 * Returns the milliseconds since the start of this process in which it was idle or ran on a processor. The difference
 * to the wall clock is time in which it was ready to run and had no processor. Worker threads may add to it.
 */
export function runnableTime(now = performance.now()): number {
  if (now - readAt < CACHE_MS) return cached;
  const { user, system } = process.cpuUsage();
  readAt = now;
  cached = performance.eventLoopUtilization().idle + (user + system) / 1000;
  return cached;
}

/**
 * A deadline in runnable time. On an overloaded machine this process may get no processor for seconds, and read a
 * response late that arrived in time: the time without a processor must not count against the server.
 */
export class Deadline {
  #left: number;
  #since: number | undefined;
  #runnable = 0;
  #slice = 0;

  /** Starts with the first call of `next`. */
  constructor(ms: number) {
    this.#left = ms;
  }

  /** Returns how long to wait before the next check, in milliseconds; 0 when the deadline has passed. */
  next(): number {
    const now = performance.now();
    const runnable = runnableTime(now);
    if (this.#since !== undefined) {
      this.#left -= Math.min(now - this.#since, runnable - this.#runnable, 2 * this.#slice);
    }
    this.#since = now;
    this.#runnable = runnable;
    this.#slice = Math.max(0, Math.min(SLICE_MS, this.#left));
    return this.#slice;
  }
}

/** Calls back once the deadline has passed. Returns a function that cancels it. */
export function afterDeadline(ms: number, callback: () => void): () => void {
  const deadline = new Deadline(ms);
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const slice = deadline.next();
    if (slice <= 0) callback();
    else timer = setTimeout(wait, slice);
  };
  wait();
  return () => clearTimeout(timer);
}

/**
 * Calls back once `ms` of runnable time have passed. Returns a function that cancels it. Cheaper than `afterDeadline`,
 * for thousands of calls per second: it checks when the time has passed by the clock, and then waits for the missing
 * runnable time.
 */
export function afterRunnableTime(ms: number, callback: () => void): () => void {
  const started = runnableTime();
  const check = () => {
    const left = ms - (runnableTime() - started);
    if (left < 1) callback();
    else timer = setTimeout(check, left);
  };
  let timer = setTimeout(check, ms);
  return () => clearTimeout(timer);
}
