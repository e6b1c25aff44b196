import type { Send } from "./sends.js";

/**
 * Attempts to send that may still take effect, with the end of their message's dedup window. Whatever began within the window
 * may arrive after it: only an answer within it shows that the attempt was recognised, or had to be.
 */
export class DedupWindows {
  readonly #attempts = new Map<bigint, { send: Send; endMicros: bigint }>();
  #soonest: bigint | undefined;

  /** An attempt begins. */
  open(op: bigint, send: Send, endMicros: bigint): void {
    this.#attempts.set(op, { send, endMicros });
    if (this.#soonest === undefined || endMicros < this.#soonest) this.#soonest = endMicros;
  }

  /** The attempt has its outcome: it takes effect no more. One that was lost has none. */
  settle(op: bigint): void {
    this.#attempts.delete(op);
  }

  /** The messages of attempts whose window is over by now, each attempt once. */
  over(nowMicros: bigint): Send[] {
    if (this.#soonest === undefined || nowMicros <= this.#soonest) return [];
    const over: Send[] = [];
    this.#soonest = undefined;
    for (const [op, { send, endMicros }] of this.#attempts) {
      if (nowMicros > endMicros) {
        this.#attempts.delete(op);
        over.push(send);
      } else if (this.#soonest === undefined || endMicros < this.#soonest) this.#soonest = endMicros;
    }
    return over;
  }
}
