import type { Socket } from "node:net";

/** Amount that waits to be written at which reading should stop, in bytes. */
const FULL_BYTES = 1 << 16;
/** Number of packets that hold a few bytes only. Larger ones follow, so that a large response does not take minutes. */
const TINY_PACKETS = 100;

/** Writes to a socket in order: as fast as it can, or in tiny packets. */
export class PacedWriter {
  readonly #socket: Socket;
  readonly #isTiny: boolean;
  #waiting: Buffer[] = [];
  #size = 0;
  #isEnding = false;
  #isWriting = false;
  #packets = 0;
  #listeners: (() => void)[] = [];

  constructor(socket: Socket, isTiny: boolean) {
    this.#socket = socket;
    this.#isTiny = isTiny;
    socket.once("close", () => this.#settle());
  }

  /** Whether the peer reads too slowly for more to be read from the other side. */
  get isFull(): boolean {
    return this.#size > FULL_BYTES || this.#socket.writableNeedDrain;
  }

  write(bytes: Buffer): void {
    if (this.#isEnding || bytes.length === 0) return;
    this.#packets = 0;
    this.#waiting.push(Buffer.from(bytes));
    this.#size += bytes.length;
    void this.#pump();
  }

  /** Closes the connection once everything is written. */
  end(): void {
    this.#isEnding = true;
    void this.#pump();
  }

  /** Resolves once everything is written, or the connection is closed. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#listeners.push(resolve);
      void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.length > 0 && !this.#socket.destroyed) await this.#writeNext();
    this.#isWriting = false;
    this.#settle();
    if (this.#isEnding && !this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.end();
  }

  async #writeNext(): Promise<void> {
    const next = this.#waiting.shift() as Buffer;
    const size = !this.#isTiny ? next.length : this.#packets < TINY_PACKETS ? 1 + (this.#packets % 7) : 1 << 14;
    this.#packets += 1;
    const now = next.subarray(0, size);
    if (now.length < next.length) this.#waiting.unshift(next.subarray(size));
    this.#size -= now.length;
    const isTaken = this.#socket.write(now);
    if (!isTaken) await new Promise<void>((resolve) => this.#onceReady(resolve));
    else if (this.#isTiny) await new Promise((resolve) => setImmediate(resolve));
  }

  #onceReady(resolve: () => void): void {
    const done = () => {
      this.#socket.off("drain", done).off("close", done);
      resolve();
    };
    this.#socket.once("drain", done).once("close", done);
  }

  #settle(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
