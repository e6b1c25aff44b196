/** Slots that streams leave free for other requests: a case whose streams had all of them could not go on. */
const NOT_FOR_STREAMS = 4;

/** Bounds the number of connections that are open at once, over all transports of a run. */
export class ConnectionLimit {
  /** Maximum number of connections. */
  readonly max: number;
  #open = 0;
  #streams = 0;
  readonly #waiting: { isStream: boolean; start: () => void }[] = [];

  /** `max` is at least 8. */
  constructor(max: number) {
    this.max = max;
  }

  /** Resolves when a connection may be opened, with the function to call once it is closed. */
  acquire(kind: "request" | "stream" = "request"): Promise<() => void> {
    const isStream = kind === "stream";
    return new Promise((resolve) => {
      this.#waiting.push({ isStream, start: () => resolve(this.#taken(isStream)) });
      this.#startNext();
    });
  }

  #taken(isStream: boolean): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#open -= 1;
      if (isStream) this.#streams -= 1;
      this.#startNext();
    };
  }

  #startNext(): void {
    for (;;) {
      // A stream that has to wait does not hold up the requests behind it.
      const next = this.#waiting.findIndex(({ isStream }) => this.#hasRoom(isStream));
      const [found] = next < 0 ? [] : this.#waiting.splice(next, 1);
      if (found === undefined) return;
      this.#open += 1;
      if (found.isStream) this.#streams += 1;
      found.start();
    }
  }

  #hasRoom(isStream: boolean): boolean {
    return this.#open < this.max && (!isStream || this.#streams < this.max - NOT_FOR_STREAMS);
  }
}
