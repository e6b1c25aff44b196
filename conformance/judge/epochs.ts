/** What an epoch that an answer shows says about the inbox's numbering. */
export type Seen =
  /** The numbering goes on. */
  | "same"
  /** A new numbering has begun, as it should. */
  | "renewed"
  /** A new numbering has begun under an epoch that is not new. */
  | "reused"
  /** The inbox lost its data and kept its epoch. */
  | "kept"
  /** The epoch changed although nothing was lost. */
  | "changed"
  /** The answer is of a numbering that is over, or it cannot be told of which. */
  | "over";

/** Follows the epoch of one inbox: when it may change, when it must, and which it can never have again. */
export class Epochs {
  /** The current one; undefined until an answer shows it. */
  current: string | undefined;
  /** Whether the server was ever started again: then what is missing may have been lost with it. */
  restarted = false;
  readonly #used = new Set<string>();
  /**
   * Losses and restarts whose last consequence no answer has shown yet: how many new epochs are still to come at most, when the
   * last was over, and which epoch must not be seen after it.
   */
  #pending: { left: number; over: number; gone: string | undefined; restartOnly: boolean } | undefined;
  #lastLossOver = 0;
  /** Losses and restarts that are not over. */
  #open = 0;
  #adoptedAt = 0;

  /** The inbox loses its data from now on, until `ends`. */
  lossBegins(): void {
    this.#begins(this.current, false);
  }

  /** The server is killed: whether it keeps its data, the first answer afterwards tells. */
  restartBegins(): void {
    this.restarted = true;
    this.#begins(this.#pending?.gone, this.#pending?.restartOnly ?? true);
  }

  ends(now: number): void {
    this.#open -= 1;
    if (this.#pending !== undefined && this.#open === 0) this.#pending.over = now;
    this.#lastLossOver = now;
  }

  /** One that began was refused, and changed nothing. */
  cancelled(now: number): void {
    if (this.#pending !== undefined) this.#pending.left -= 1;
    if (this.#pending?.left === 0) {
      this.#pending = undefined;
      this.#open -= 1;
    } else this.ends(now);
  }

  /** Whether a loss or a restart has begun and is not over. */
  get underWay(): boolean {
    return this.#open > 0;
  }

  /** Whether all that may change the epoch now are restarts. */
  get restartOnly(): boolean {
    return this.#pending?.restartOnly ?? false;
  }

  /** Whether a change may be under way, so that an answer can be of either numbering. */
  get unsettled(): boolean {
    return this.#pending !== undefined;
  }

  /** Takes note of the epoch in an answer to a call that began at `begun`. */
  see(now: number, epoch: string, begun: number): Seen {
    const pending = this.#pending;
    if (pending === undefined) {
      if (this.current === undefined) return this.#adopt(now, epoch, "same");
      if (epoch === this.current) return "same";
      return begun <= this.#lastLossOver ? "over" : "changed";
    }
    const after = begun > pending.over;
    if (after) this.#pending = undefined;
    // Before the first look there is no old epoch that this one could be told from.
    if (this.current === undefined) return after ? this.#adopt(now, epoch, "renewed") : "over";
    if (epoch === this.current) return after && epoch === pending.gone ? "kept" : "same";
    if (this.#used.has(epoch)) return after ? this.#adopt(now, epoch, "reused") : "over";
    // Nor can a call that is older than the current one be told from one that was answered before that, and came late.
    if (!after && begun < this.#adoptedAt) return "over";
    // An answer that was under way, or the frame of a watch, can be of any of several numberings.
    pending.left -= 1;
    if (pending.left === 0) {
      this.#pending = undefined;
      this.#lastLossOver = now; // also where the fixture has not answered yet
    }
    return this.#adopt(now, epoch, "renewed");
  }

  #begins(gone: string | undefined, restartOnly: boolean): void {
    this.#open += 1;
    this.#pending = { left: (this.#pending?.left ?? 0) + 1, over: Number.POSITIVE_INFINITY, gone, restartOnly };
  }

  #adopt(now: number, epoch: string, seen: Seen): Seen {
    this.#adoptedAt = now;
    this.current = epoch;
    this.#used.add(epoch);
    return seen;
  }
}
