import { setTimeout as pause } from "node:timers/promises";

/** Lets requests go at an even rate, for targets that bear no more. In the order in which they ask. */
export class Pace {
  readonly #gapMs: number;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<unknown>;
  #next = 0;

  /** `perSecond` is more than 0. The clock, in milliseconds, and the waiting are for tests. */
  constructor(perSecond: number, now: () => number = () => performance.now(), wait = (ms: number) => pause(ms)) {
    this.#gapMs = 1000 / perSecond;
    this.#now = now;
    this.#wait = wait;
  }

  /** Resolves when the next request may go. */
  async turn(): Promise<void> {
    const now = this.#now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.#gapMs;
    if (at > now) await this.#wait(at - now);
  }
}

/** A pace for a rate, or the one that is there to be shared. */
export const paceOf = (rate: number | Pace | undefined) => (typeof rate === "number" ? new Pace(rate) : rate);
