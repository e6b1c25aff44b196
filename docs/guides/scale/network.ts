import type { Timeline } from "./timeline.js";

/** How many of a hundred messages are lost, and how many are late. */
const LOST = 3;
const LATE = 3;

/** The network between clients, gateways and owners: what is on its way may be late or never come. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: () => number;

  constructor(timeline: Timeline, random: () => number) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** What arrives does something; what is lost never does. */
  hop(arrive: () => void): void {
    const lot = this.#random() * 100;
    if (lot < LOST) return;
    const delay = 0.5 + 4 * this.#random();
    // Late enough to come after its sender has given up, and after a move.
    this.#timeline.after(lot < LOST + LATE ? delay + 100 * this.#random() : delay, arrive);
  }
}
