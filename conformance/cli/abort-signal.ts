/** A signal that Ctrl-C, or whoever ends this process politely, aborts: what has been found by then is still told. */
export function abortOnInterrupt(told: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = () => {
    // Whoever asks twice does not want to wait.
    if (controller.signal.aborted) process.exit(130);
    told();
    controller.abort();
  };
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}
