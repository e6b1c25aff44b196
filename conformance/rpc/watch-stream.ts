import type { WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Deadline } from "../transport/deadline.js";
import type { StreamEnd, WatchListener } from "./watch.js";

/** A Watch: its frames so far, its end, and ways to wait for them. */
export class WatchStream implements WatchListener {
  readonly frames: WatchResponse[] = [];
  /** How the stream ended; undefined while it is open. */
  end: StreamEnd | undefined;
  /** Whether the response has ended. */
  closed = false;
  /** Closes the connection without a message, as a client that loses its network does. */
  cancel: () => void = () => {};
  /** Closes the connection at the end of a case, without a record. */
  abandon: () => void = () => {};
  readonly #waiting = new Set<() => void>();

  onFrame(frame: WatchResponse): void {
    this.frames.push(frame);
    this.#wake();
  }

  onEnd(end: StreamEnd): void {
    this.end = end;
    this.#wake();
  }

  onClose(violation?: StreamEnd): void {
    this.closed = true;
    this.end = violation ?? this.end;
    this.#wake();
  }

  /** Resolves with true once a frame matches; with false if the stream ends or the timeout passes first. */
  async waitForFrame(matches: (frame: WatchResponse) => boolean, timeoutMs: number): Promise<boolean> {
    // Each frame is examined once: there may be many.
    let examined = 0;
    const isDone = () => {
      for (; examined < this.frames.length; examined += 1)
        if (matches(this.frames[examined] as WatchResponse)) return true;
      return false;
    };
    return this.#wait(isDone, timeoutMs, () => this.end !== undefined);
  }

  /** Resolves with true once the stream has ended; with false if the timeout passes first. */
  async waitForEnd(timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.end !== undefined, timeoutMs);
  }

  /**
   * Resolves with true once the response has ended, which may be later than its stream; with false if the timeout
   * passes first.
   */
  async waitForClose(timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.closed, timeoutMs);
  }

  async #wait(isDone: () => boolean, timeoutMs: number, isImpossible = () => false): Promise<boolean> {
    const deadline = new Deadline(timeoutMs);
    while (!isDone()) {
      const slice = deadline.next();
      if (slice <= 0 || isImpossible()) return false;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, slice);
        this.#waiting.add(wake);
      });
    }
    return true;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
