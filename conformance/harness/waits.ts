import { runnableTime } from "../transport/deadline.js";
import type { Context } from "./context.js";

/** Shortest duration that can be a wait for an event, in milliseconds. */
const WAIT_MS = 1000;
/** How many times longer than without the event's cause a call that waits takes. */
const FACTOR = 5;
/** Number of calls of each kind that tell a wait from an accident. */
const ENOUGH = 3;

/**
 * Durations of the same call with and without something that must not make it wait. A slow server is slow in both; one
 * that waits is slow each time in the one, and never in the other. So a wait shows long before the 5 seconds of R29.
 */
export class Waits {
  readonly #without: number[] = [];
  readonly #with: number[] = [];

  /** Makes a call without what must not make it wait. */
  without = <T>(call: () => Promise<T>): Promise<T> => timed(call, this.#without);

  /** Makes a call with what must not make it wait. */
  with = <T>(call: () => Promise<T>): Promise<T> => timed(call, this.#with);

  /** Whether the calls so far look like waits. */
  areLikely(t: Context): boolean {
    const isEnough = this.#without.length >= ENOUGH && this.#with.length >= ENOUGH;
    const shortest = Math.min(...this.#with);
    return isEnough && shortest >= t.deadline(WAIT_MS) && shortest >= FACTOR * Math.max(...this.#without);
  }

  /** Expects that the calls did not wait. `cause` completes "wait while …". */
  expectNone(t: Context, requirement: "SYNC-EMPTY", rpc: string, cause: string): void {
    const longest = Math.max(...this.#without);
    const shortest = Math.min(...this.#with);
    t.that(
      !this.areLikely(t),
      requirement,
      `each ${rpc} waits while ${cause}`,
      `about as long as without, at most ${Math.ceil(longest)} ms`,
      `${this.#with.length} of ${this.#with.length} took at least ${Math.floor(shortest)} ms`,
    );
  }
}

async function timed<T>(call: () => Promise<T>, durations: number[]): Promise<T> {
  const [wall, runnable] = [performance.now(), runnableTime()];
  const result = await call();
  // Time in which this process had no processor is none in which it waited for the server.
  durations.push(Math.min(performance.now() - wall, runnableTime() - runnable));
  return result;
}
