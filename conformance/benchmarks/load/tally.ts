/** Counts what was answered within the time that is measured, and how long each answer took. */
export class Tally {
  #counting = false;
  #micros = new Float64Array(1 << 20);
  count = 0;
  bytes = 0;

  start(): void {
    this.#counting = true;
  }

  stop(): void {
    this.#counting = false;
  }

  /** Notes one answer; `since` is what `performance.now()` was when it was asked for. */
  note(since: number, bytes: number): void {
    if (!this.#counting) return;
    if (this.count < this.#micros.length) this.#micros[this.count] = (performance.now() - since) * 1000;
    this.count += 1;
    this.bytes += bytes;
  }

  /** Microseconds that the given part of the answers took at most. */
  quantile(part: number): number {
    const sorted = this.#micros.subarray(0, Math.min(this.count, this.#micros.length)).sort();
    return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  }
}
