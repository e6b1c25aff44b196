/**
 * Returns a signal that is aborted when the process is interrupted or asked to end, so that the command can still
 * report its results. A second interrupt ends the process at once, with exit code 130. `done` removes the handlers.
 */
export function abortOnInterrupt(onInterrupt: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    onInterrupt();
    controller.abort();
  };
  for (const name of names) process.on(name, interrupt);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of names) process.off(name, interrupt);
    },
  };
}
