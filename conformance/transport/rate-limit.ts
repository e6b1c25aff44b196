import { setTimeout as pause } from "node:timers/promises";

/** Lets requests go at an even rate, for targets that bear no more. In the order in which they ask. */
export class RateLimiter {
  readonly perSecond: number;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<unknown>;
  #next = 0;

  /** `perSecond` is more than 0. The clock, in milliseconds, and the waiting are for tests. */
  constructor(perSecond: number, now: () => number = () => performance.now(), wait = (ms: number) => pause(ms)) {
    this.perSecond = perSecond;
    this.#now = now;
    this.#wait = wait;
  }

  /** Resolves when the next request may go. */
  async acquire(): Promise<void> {
    const now = this.#now();
    const at = Math.max(now, this.#next);
    this.#next = at + 1000 / this.perSecond;
    if (at > now) await this.#wait(at - now);
  }
}

/** A pace for a rate, or the one that is there to be shared. */
export function rateLimiterOf(rate: number | RateLimiter): RateLimiter;
export function rateLimiterOf(rate: number | RateLimiter | undefined): RateLimiter | undefined;
export function rateLimiterOf(rate: number | RateLimiter | undefined): RateLimiter | undefined {
  return typeof rate === "number" ? new RateLimiter(rate) : rate;
}
