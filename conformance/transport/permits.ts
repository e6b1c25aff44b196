/** A request for a permit. */
export interface PermitRequest {
  /** Whether the permit has not been granted yet. */
  isWaiting(): boolean;
  /** Returns the permit, or withdraws the request for it. */
  cancel(): void;
}

/** Limits how often something takes place at the same time. Grants the permits in the order of the requests. */
export class Permits {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Requests a permit. Calls back when it is granted, which may be at once. */
  acquire(onGranted: () => void): PermitRequest {
    let state: "waiting" | "granted" | "over" = "waiting";
    const grant = () => {
      this.#waiting.delete(grant);
      this.#free -= 1;
      state = "granted";
      onGranted();
    };
    this.#waiting.add(grant);
    this.#next();
    return {
      isWaiting: () => state === "waiting",
      cancel: () => {
        if (state === "over") return;
        if (state === "granted") this.#free += 1;
        state = "over";
        this.#waiting.delete(grant);
        this.#next();
      },
    };
  }

  #next(): void {
    for (const grant of this.#waiting) {
      if (this.#free === 0) return;
      grant();
    }
  }
}
