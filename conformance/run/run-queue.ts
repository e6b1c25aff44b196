import type { RunnableCase } from "./case-run.js";

/**
 * Number of cases with large volumes that run at the same time. Each makes many calls at once: more cases would not be
 * faster, and a slow server would answer none of them in time.
 */
const LARGE_AT_ONCE = 2;

/** The runs of cases that are due, in the order in which they start. */
export class RunQueue {
  /** Cases that mostly wait. They all start at once, and run beside the others. */
  readonly waiting: readonly RunnableCase[];
  readonly #large: RunnableCase[];
  readonly #others: RunnableCase[];
  #largeRunning = 0;

  /** If the server has no room for all cases that wait, they take turns with the others. */
  constructor(runs: readonly RunnableCase[], { hasRoom = true } = {}) {
    const isBeside = ({ case: it }: RunnableCase) => hasRoom && it.waits === true;
    this.waiting = runs.filter(isBeside);
    this.#large = runs.filter((run) => isLarge(run));
    this.#others = runs.filter((run) => !isBeside(run) && !isLarge(run));
  }

  /** Removes the next run: the large ones first, because they take longest. Undefined if none may start now. */
  take(): RunnableCase | undefined {
    const large = this.#largeRunning < LARGE_AT_ONCE ? this.#large.shift() : undefined;
    if (large === undefined) return this.#others.shift();
    this.#largeRunning += 1;
    return large;
  }

  /** A run that was taken has ended. */
  ended(run: RunnableCase): void {
    if (isLarge(run)) this.#largeRunning -= 1;
  }
}

const isLarge = ({ case: it }: RunnableCase) => it.thorough === true && !it.waits;
