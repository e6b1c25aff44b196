/** Longest delay of a timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A time limit that does not count the time in which it is suspended. It does not keep the process alive. */
export class TimeLimit {
  readonly #controller = new AbortController();
  #leftMs: number;
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#leftMs = ms;
    this.#resume();
  }

  /** Aborted when the time has passed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs `act`, whose time does not count. */
  async without<T>(act: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#since;
    try {
      return await act();
    } finally {
      this.#resume();
    }
  }

  /** Ends the limit without aborting the signal. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #resume(): void {
    this.#since = performance.now();
    this.#timer = setTimeout(() => this.#controller.abort(), Math.min(Math.max(0, this.#leftMs), MAX_TIMER_MS));
    this.#timer.unref();
  }
}
