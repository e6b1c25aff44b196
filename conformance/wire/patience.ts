/** Longest single wait, in milliseconds. */
const SLICE_MS = 100;

/**
 * The time that is left of a deadline, counted only while this process kept up. On a machine that is too busy to run the suite,
 * seconds may pass in which nothing that has arrived was looked at: those must not count against the server.
 */
export class Patience {
  #left: number;
  #since: number | undefined;
  #slice = 0;

  /** Begins with the first `next`. */
  constructor(ms: number) {
    this.#left = ms;
  }

  /** How long to wait before looking again, in milliseconds; 0 when the deadline has passed. */
  next(): number {
    const now = performance.now();
    if (this.#since !== undefined) this.#left -= Math.min(now - this.#since, 2 * this.#slice);
    this.#since = now;
    this.#slice = Math.max(0, Math.min(SLICE_MS, this.#left));
    return this.#slice;
  }
}

/** Calls back once the deadline has passed, unless it is called off with what this answers. */
export function afterPatience(ms: number, callback: () => void): () => void {
  const patience = new Patience(ms);
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const slice = patience.next();
    if (slice <= 0) callback();
    else timer = setTimeout(wait, slice);
  };
  wait();
  return () => clearTimeout(timer);
}
