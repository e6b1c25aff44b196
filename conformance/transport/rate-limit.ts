import { setTimeout as sleep } from "node:timers/promises";

/** Spaces requests evenly, for targets with a rate limit. Requests go in the order of their `acquire` calls. */
export class RateLimiter {
  readonly perSecond: number;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<unknown>;
  #next = 0;

  /** `perSecond` is more than 0. Tests replace the clock and the wait, both in milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now(), wait = (ms: number) => sleep(ms)) {
    this.perSecond = perSecond;
    this.#now = now;
    this.#wait = wait;
  }

  /** Resolves when the next request may be sent. */
  async acquire(): Promise<void> {
    const now = this.#now();
    const at = Math.max(now, this.#next);
    this.#next = at + 1000 / this.perSecond;
    if (at > now) await this.#wait(at - now);
  }
}

/** The shared rate limiter of a connection, or a new one for its maximum rate; undefined without a limit. */
export function rateLimiterOf({
  rateLimiter,
  maxRequestsPerSecond: rate,
}: {
  rateLimiter?: RateLimiter;
  maxRequestsPerSecond?: number;
}): RateLimiter | undefined {
  return rateLimiter ?? (rate === undefined ? undefined : new RateLimiter(rate));
}
