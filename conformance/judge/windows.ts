import type { Send } from "./sends.js";

/**
 * Attempts to send that may still take effect, each with the end of its message's dedup window. An attempt that began
 * within the window may arrive after it: only a response within the window shows that the server processed it within
 * the window.
 */
export class DedupWindows {
  readonly #attempts = new Map<bigint, { send: Send; endMicros: bigint }>();
  #earliestEnd: bigint | undefined;

  /** Adds an attempt that begins. */
  open(op: bigint, send: Send, endMicros: bigint): void {
    this.#attempts.set(op, { send, endMicros });
    if (this.#earliestEnd === undefined || endMicros < this.#earliestEnd) this.#earliestEnd = endMicros;
  }

  /** Removes an attempt that has a definite outcome: it can take no further effect. */
  close(op: bigint): void {
    this.#attempts.delete(op);
  }

  /** Removes the attempts whose window has ended, and returns their messages, one for each attempt. */
  expire(nowMicros: bigint): Send[] {
    if (this.#earliestEnd === undefined || nowMicros <= this.#earliestEnd) return [];
    const expired: Send[] = [];
    this.#earliestEnd = undefined;
    for (const [op, { send, endMicros }] of this.#attempts) {
      if (nowMicros > endMicros) {
        this.#attempts.delete(op);
        expired.push(send);
      } else if (this.#earliestEnd === undefined || endMicros < this.#earliestEnd) this.#earliestEnd = endMicros;
    }
    return expired;
  }
}
