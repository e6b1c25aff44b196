/**
 * Takes turns between programs that run concurrently and those that run alone. A program that waits to run alone is not
 * overtaken by later ones.
 */
export class Turns {
  readonly #shared = new Set<Promise<void>>();
  #lastAlone: Promise<void> = Promise.resolve();

  /** Runs `act` while others may run, or alone. Rejects as `act` does. */
  run<T>(isAlone: boolean, act: () => Promise<T>): Promise<T> {
    // Those that come later wait for this one if it runs alone.
    const before: Promise<unknown> = isAlone ? Promise.all([this.#lastAlone, ...this.#shared]) : this.#lastAlone;
    const running = before.then(act);
    const ended = running.then(
      () => {},
      () => {},
    );
    if (isAlone) this.#lastAlone = ended;
    else {
      this.#shared.add(ended);
      void ended.then(() => this.#shared.delete(ended));
    }
    return running;
  }
}
