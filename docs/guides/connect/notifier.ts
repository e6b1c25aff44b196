/** Wakes one watcher. It stores a flag, not a queue: however many events occur, a slow reader has one thing to do. */
export class Notifier {
  #pending = false;
  #wake = () => {};

  notify(): void {
    this.#pending = true;
    this.#wake();
  }

  /**
   * Resolves when `notify` is called, or was called since the last wait; after `timeoutMs`; or when the signal aborts.
   */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#wake, { once: true });
      });
      signal.removeEventListener("abort", this.#wake);
    }
    this.#pending = false;
  }
}
