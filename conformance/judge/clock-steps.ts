/**
 * How far the wall clock of the server may have been set forward. A server may measure dedup windows by that clock: they
 * may then end earlier by as much (spec, "Send"). Steps back are not counted: they end no window.
 */
export class ClockSteps {
  /** The lowest offset that the clock may have, in microseconds. */
  #lowest = 0n;
  /** Sum of all steps forward that may have taken effect, in microseconds. */
  #possible = 0n;
  /** Sum of the steps forward that have taken effect, in microseconds. */
  #certain = 0n;
  /** The step that has begun last, in microseconds. */
  #pending = { offset: 0n, forward: 0n };

  /** A step of the clock begins. */
  begin(offsetMs: number): void {
    const offset = BigInt(offsetMs) * 1000n;
    const forward = offset > this.#lowest ? offset - this.#lowest : 0n;
    this.#possible += forward;
    this.#pending = { offset, forward };
  }

  /** The step ends: it has taken effect, or it has not, or that is unknown. */
  end(outcome: "done" | "refused" | "indeterminate"): void {
    const { offset, forward } = this.#pending;
    if (outcome === "refused") this.#possible -= forward;
    else if (outcome === "done") {
      this.#certain += forward;
      this.#lowest = offset;
    } else if (offset < this.#lowest) this.#lowest = offset;
  }

  /** The latest time that a clock of the server may show that was never set back, in microseconds. */
  latest(atMicros: bigint): bigint {
    return atMicros + this.#possible;
  }

  /** The earliest time that a clock of the server may show that was never set back, in microseconds. */
  earliest(atMicros: bigint): bigint {
    return atMicros + this.#certain;
  }
}
