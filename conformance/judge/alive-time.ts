/** Longest time between two answers, and longest duration of a call, that show no standstill; in microseconds. */
const MAX_GAP_MICROS = 1_000_000n;

/**
 * The time in which clients and servers are known to have worked: that between answers to quick calls that follow each
 * other within a second. On a busy machine a process may stand still for seconds, and a frame be late without a fault of
 * the server: such time does not count against it.
 */
export class AliveTime {
  /** Times without a standstill, one after the other. */
  readonly #spans: { from: bigint; to: bigint }[] = [];

  /** A call was answered. Returns whether that shows more of such time. */
  answered(calledAtMicros: bigint, answeredAtMicros: bigint): boolean {
    if (answeredAtMicros - calledAtMicros >= MAX_GAP_MICROS) return false;
    const last = this.#spans.at(-1);
    if (last === undefined || answeredAtMicros - last.to >= MAX_GAP_MICROS) {
      this.#spans.push({ from: answeredAtMicros, to: answeredAtMicros });
      return false;
    }
    last.to = answeredAtMicros;
    return true;
  }

  /** Returns how much of the time between two times was such time, in seconds. */
  seconds(fromMicros: bigint, toMicros: bigint): number {
    let micros = 0n;
    for (let index = this.#spans.length - 1; index >= 0; index -= 1) {
      const { from, to } = this.#spans[index] as { from: bigint; to: bigint };
      if (to <= fromMicros) break;
      const [start, end] = [from > fromMicros ? from : fromMicros, to < toMicros ? to : toMicros];
      if (end > start) micros += end - start;
    }
    return Number(micros) / 1_000_000;
  }
}
