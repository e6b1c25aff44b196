import { constants } from "node:os";

/** Signals that ask a command to end. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Returns a signal that is aborted when the process is interrupted or asked to end, so that the command can still
 * report its results. A second such signal ends the process at once, with exit code 128 and the number of the signal.
 * `done` removes the handlers.
 */
export function abortOnInterrupt(onInterrupt: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const interrupt = (name: (typeof SIGNALS)[number]) => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
    onInterrupt();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of SIGNALS) process.off(name, interrupt);
    },
  };
}
