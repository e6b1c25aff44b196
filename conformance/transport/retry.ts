import { setTimeout as sleep } from "node:timers/promises";

/**
 * Repeats an attempt while `delayAfter` returns a delay. `delayAfter` receives the last result and the number of
 * retries so far, and returns the delay before the next attempt, in milliseconds; undefined ends the retries. Resolves
 * with the result of the last attempt, and rejects as soon as an attempt rejects.
 */
export async function retry<R>(
  attempt: (retries: number) => Promise<R>,
  delayAfter: (result: R, retries: number) => number | undefined,
): Promise<R> {
  for (let retries = 0; ; retries += 1) {
    const result = await attempt(retries);
    const delay = delayAfter(result, retries);
    if (delay === undefined) return result;
    await sleep(delay);
  }
}
