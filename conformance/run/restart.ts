import { setTimeout as sleep } from "node:timers/promises";
import type { RetryDelays } from "../rpc/result.js";
import type { Transport } from "../transport/http.js";
import { probe } from "./target.js";

/** Time in which every front end has to respond after a restart, in milliseconds, before the time scale. */
const START_MS = 30_000;
/** Delay between two attempts, in milliseconds. */
const DELAY_MS = 100;

/** The loop below makes the retries. */
const NO_RETRIES: RetryDelays = { noResponse: [], retryable: [] };

export interface RestartOptions {
  timeoutScale: number;
  /** Ends the wait. */
  signal: AbortSignal;
  /** Default: 30 s. Tests use less. */
  startMs?: number;
}

/**
 * Returns a function that restarts the server, and resolves once every front end responds: most servers need some time
 * until they listen, and one front end may be back before another.
 *
 * @throws Error of `restart`, or one that names the front end that did not come back.
 */
export function restartAndWait(
  restart: () => Promise<void>,
  transport: Transport,
  { timeoutScale, signal, startMs = START_MS }: RestartOptions,
): () => Promise<void> {
  const { liveness } = transport.connection;
  return async () => {
    liveness?.pause();
    try {
      await restart();
      const waitMs = startMs * timeoutScale;
      const end = performance.now() + waitMs;
      for (;;) {
        // Whatever the response is, it is that of a server, or of a proxy before it, that is starting.
        const probed = await probe(transport, NO_RETRIES);
        if (!("problem" in probed)) return;
        if (signal.aborted || performance.now() >= end)
          throw new Error(
            `the server did not come back within ${waitMs / 1000} s after its restart: ${probed.problem}`,
          );
        await sleep(DELAY_MS);
      }
    } finally {
      liveness?.resume();
    }
  };
}
