import type { Timeline } from "./timeline.js";

/** Percentages of messages that are lost, and that are late. */
const LOST = 3;
const LATE = 3;

/** The network between clients, gateways and owners: messages may be late or lost. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: () => number;

  constructor(timeline: Timeline, random: () => number) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** Calls `arrive` after a delay, or never if the message is lost. */
  hop(arrive: () => void): void {
    const draw = this.#random() * 100;
    if (draw < LOST) return;
    const delay = 0.5 + 4 * this.#random();
    // A late message may arrive after its sender's deadline, and after a move.
    this.#timeline.after(draw < LOST + LATE ? delay + 100 * this.#random() : delay, arrive);
  }
}
