/** Counts the responses in the measured time, and records their latencies. */
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

  /** Records a response of `bytes` bytes to a request that was sent at `since`, a time of `performance.now()`. */
  record(since: number, bytes: number): void {
    if (!this.#counting) return;
    if (this.count < this.#micros.length) this.#micros[this.count] = (performance.now() - since) * 1000;
    this.count += 1;
    this.bytes += bytes;
  }

  /** Latency in microseconds that the given share of the responses did not exceed. */
  quantile(share: number): number {
    const sorted = this.#micros.subarray(0, Math.min(this.count, this.#micros.length)).sort();
    return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  }
}
