import type { Event, SyncCall, SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Breached } from "./page.js";

/** A breach, and earlier events that help to prove it. */
export interface AckBreach {
  breached: Breached;
  proof: readonly Event[];
}

/**
 * What the acked seq of an inbox can be. It moves only to the `cli_seq` of a Sync that was not refused, and never back: so at
 * any moment it is the floor that answers have shown, or one of the claims above it.
 */
export class AckBounds {
  /** The highest ack that is known to have happened, and what showed it. */
  floor = 0;
  #floorEvent: Event | undefined;
  #known = false;
  /** How many Syncs that may count claim each `cli_seq` above the floor. */
  readonly #claims = new Map<number, number>();
  /** `cli_seq` of Syncs that were refused, or had an epoch that cannot count. */
  readonly #void = new Map<number, Event | undefined>();
  /** Answers below the floor that were right when they came: an old device may explain where an ack fell back to. */
  readonly #stale = new Map<number, Event>();
  /** Highest seq that was ever answered, without regard to acks. */
  #answered = 0;

  /** The ack is known to stand here. */
  open(seq: number): void {
    this.floor = seq;
    this.#known = true;
  }

  claim(cliSeq: number, counts: boolean, event: Event | undefined): void {
    if (!counts) this.#void.set(cliSeq, event);
    else if (cliSeq > this.floor) this.#claims.set(cliSeq, (this.#claims.get(cliSeq) ?? 0) + 1);
    else if (event !== undefined && cliSeq > 0) this.#stale.set(cliSeq, event);
  }

  unclaim(cliSeq: number, counts: boolean): void {
    if (!counts) return;
    const left = (this.#claims.get(cliSeq) ?? 1) - 1;
    if (left > 0) this.#claims.set(cliSeq, left);
    else this.#claims.delete(cliSeq);
    this.#void.set(cliSeq, undefined);
  }

  /** Judges the base of an answer. `floorBefore` is what the floor was when its call began. */
  *judge(call: SyncCall, answer: SyncReturn, floorBefore: number): Generator<AckBreach> {
    const { ackedSeq } = answer;
    const firstSeq = answer.messages[0]?.seq;
    if (ackedSeq < floorBefore) {
      const expected = `a page after ${floorBefore}, which was acked before this call began`;
      const actual = firstSeq === undefined ? `acked_seq ${ackedSeq}` : `acked_seq ${ackedSeq} and message ${firstSeq}`;
      const proof = this.#floorEvent === undefined ? [] : [this.#floorEvent];
      const lowerer = ackedSeq > call.cliSeq ? this.#stale.get(ackedSeq) : undefined;
      if (lowerer !== undefined) {
        yield {
          breached: {
            requirement: "ACK-MONOTONE",
            message: `a Sync with the lower cli_seq ${ackedSeq} lowered the ack`,
            expected,
            actual,
          },
          proof: [...proof, lowerer],
        };
      } else if (ackedSeq > call.cliSeq) {
        yield { breached: { requirement: "ACK-IMPLICIT", message: "an ack was not kept", expected, actual }, proof };
      } else {
        yield {
          breached: { requirement: "ACK-NO-REDELIVERY", message: "what was acked came again", expected, actual },
          proof,
        };
      }
    } else if (this.#known && ackedSeq > this.floor && ackedSeq !== call.cliSeq && !this.#claims.has(ackedSeq)) {
      const expected = `acked_seq ${this.floor}${this.#claims.size > 0 ? ", or the cli_seq of a Sync under way" : ""}: nobody has acked more`;
      const actual = `acked_seq ${ackedSeq}`;
      if (this.#void.has(ackedSeq)) {
        const culprit = this.#void.get(ackedSeq);
        yield {
          breached: { requirement: "ACK-FAILED", message: "a Sync that was refused has acked", expected, actual },
          proof: culprit === undefined ? [] : [culprit],
        };
      } else if (ackedSeq <= this.#answered) {
        yield {
          breached: {
            requirement: "ACK-NOT-ON-ANSWER",
            message: "what was only answered counts as acked, and is withheld",
            expected,
            actual,
          },
          proof: [],
        };
      } else {
        yield {
          breached: {
            requirement: "ACK-REDELIVER",
            message: "messages that nobody has acked are withheld",
            expected,
            actual,
          },
          proof: [],
        };
      }
    }
  }

  /** Learns from an answer. */
  raise(seq: number, answer: SyncReturn, event: Event): void {
    const last = answer.messages.at(-1)?.seq ?? 0;
    if (last > this.#answered) this.#answered = last;
    if (seq <= this.floor) return;
    this.floor = seq;
    this.#floorEvent = event;
    for (const claimed of this.#claims.keys()) if (claimed <= seq) this.#claims.delete(claimed);
  }
}
