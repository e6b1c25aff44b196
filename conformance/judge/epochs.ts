/** What the epoch in a response or a frame says about the numbering of the inbox. */
export type EpochChange =
  /** The numbering is the current one. */
  | "same"
  /** A new numbering began, as it should. */
  | "renewed"
  /** A new numbering began under an epoch that was used before. */
  | "reused"
  /** The inbox lost its data and did not change its epoch. */
  | "not-renewed"
  /** The epoch changed without a data loss. */
  | "changed"
  /** The response belongs to an earlier numbering, or its numbering is unknown. */
  | "outdated";

/** Follows the epoch of one inbox: when it may change, when it must change, and which values it must not take again. */
export class Epochs {
  /** The current epoch; undefined until a response shows it. */
  current: string | undefined;
  /** Whether the server was ever restarted: a missing message may then have been lost in the restart. */
  restarted = false;
  readonly #used = new Set<string>();
  /**
   * Data losses and restarts that may still change the epoch, as far as responses have shown. `remaining` is the number
   * of new epochs that may still appear, `endedAt` the time when the last of these losses and restarts ended, and
   * `forbidden` the epoch that must not appear after that.
   */
  #pending: { remaining: number; endedAt: number; forbidden: string | undefined; restartsOnly: boolean } | undefined;
  #lastLossEndedAt = 0;
  /** Data losses and restarts that have not ended. */
  #lossesInProgress = 0;
  #adoptedAt = 0;

  /** The fixture begins to make the inbox lose its data. */
  beginRotation(): void {
    this.#begin(this.current, false);
  }

  /** The server is killed. The first response after the restart shows whether it kept its data. */
  beginRestart(): void {
    this.restarted = true;
    this.#begin(this.#pending?.forbidden, this.#pending?.restartsOnly ?? true);
  }

  /** A data loss or a restart ends. */
  end(now: number): void {
    this.#lossesInProgress -= 1;
    if (this.#pending !== undefined && this.#lossesInProgress === 0) this.#pending.endedAt = now;
    this.#lastLossEndedAt = now;
  }

  /** A data loss that had begun was refused and changed nothing. */
  cancel(now: number): void {
    if (this.#pending !== undefined) this.#pending.remaining -= 1;
    if (this.#pending?.remaining === 0) {
      this.#pending = undefined;
      this.#lossesInProgress -= 1;
    } else this.end(now);
  }

  /** Whether a data loss or a restart has begun and not ended. */
  get inProgress(): boolean {
    return this.#lossesInProgress > 0;
  }

  /** Whether restarts are the only pending events that may change the epoch. */
  get restartsOnly(): boolean {
    return this.#pending?.restartsOnly ?? false;
  }

  /**
   * Whether the epoch may have changed without a response that shows it: a response may then belong to either
   * numbering.
   */
  get unsettled(): boolean {
    return this.#pending !== undefined;
  }

  /** Records the epoch in the response to a call that began at `begun`. */
  observe(now: number, epoch: string, begun: number): EpochChange {
    const pending = this.#pending;
    if (pending === undefined) {
      if (this.current === undefined) return this.#adopt(now, epoch, "same");
      if (epoch === this.current) return "same";
      return begun <= this.#lastLossEndedAt ? "outdated" : "changed";
    }
    const after = begun > pending.endedAt;
    if (after) this.#pending = undefined;
    // Without an earlier epoch to compare with, only a call that began after the loss shows the new epoch.
    if (this.current === undefined) return after ? this.#adopt(now, epoch, "renewed") : "outdated";
    if (epoch === this.current) return after && epoch === pending.forbidden ? "not-renewed" : "same";
    if (this.#used.has(epoch)) return after ? this.#adopt(now, epoch, "reused") : "outdated";
    // The server may have processed this call before the current epoch began, and the response was late.
    if (!after && begun < this.#adoptedAt) return "outdated";
    // A concurrent call, or a frame of a Watch, can belong to any of several numberings.
    pending.remaining -= 1;
    if (pending.remaining === 0) {
      this.#pending = undefined;
      this.#lastLossEndedAt = now; // the fixture may not have responded yet
    }
    return this.#adopt(now, epoch, "renewed");
  }

  #begin(forbidden: string | undefined, restartsOnly: boolean): void {
    this.#lossesInProgress += 1;
    const remaining = (this.#pending?.remaining ?? 0) + 1;
    this.#pending = { remaining, endedAt: Number.POSITIVE_INFINITY, forbidden, restartsOnly };
  }

  #adopt(now: number, epoch: string, change: EpochChange): EpochChange {
    this.#adoptedAt = now;
    this.current = epoch;
    this.#used.add(epoch);
    return change;
  }
}
