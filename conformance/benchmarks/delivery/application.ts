/** The payload of the nth message: 100 bytes that begin with its number. */
export function payloadOf(nr: number): Buffer {
  return Buffer.from(String(nr).padStart(10, "0").padEnd(100, "."));
}

/** The application on a device. It checks that each message arrives once and in order. */
export class Application {
  #received = 0;
  readonly #count: number;
  readonly #started = performance.now();
  /** Time until the last message arrived, in milliseconds. */
  ms = Number.NaN;

  constructor(count: number) {
    this.#count = count;
  }

  get complete(): boolean {
    return this.#received === this.#count;
  }

  receive(payload: Uint8Array): void {
    const nr = numberOf(payload);
    if (payload.length !== 100 || nr !== this.#received)
      throw new Error(`received message ${nr} instead of ${this.#received}`);
    this.#received += 1;
    if (this.complete) this.ms = performance.now() - this.#started;
  }
}

export const numberOf = (payload: Uint8Array) => Number(Buffer.from(payload.subarray(0, 10)).toString("latin1"));
