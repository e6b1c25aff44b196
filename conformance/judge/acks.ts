import type { Event, SyncCall, SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";

/** A breach, and earlier events that help to prove it. */
export interface AckBreach {
  breached: ViolationText;
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
  /** When the Sync began that has shown the floor. */
  #floorBegun = 0;
  /** Syncs that were answered, by what they acked, with the time of the answer. */
  readonly #answeredSyncs = new Map<number, { event: Event; at: number }>();
  #known = false;
  /** How many Syncs that may count claim each `cli_seq` above the floor, and the last of them. */
  readonly #claims = new Map<number, { count: number; event: Event | undefined }>();
  /** `cli_seq` of Syncs that were refused, or had an epoch that cannot count. */
  readonly #void = new Map<number, Event | undefined>();
  /** Syncs below the floor, and those that were overtaken by a higher one: they may explain where an ack fell back to. */
  readonly #stale = new Map<number, Event>();
  /** Highest seq that was ever answered; and highest that was answered again after that, so that answering did not ack it. */
  #answered = 0;
  #answeredAt = 0;
  #again = 0;

  /** The ack is known to stand here. */
  open(seq: number): void {
    this.floor = seq;
    this.#known = true;
  }

  claim(cliSeq: number, counts: boolean, event: Event | undefined): void {
    if (!counts) this.#void.set(cliSeq, event);
    else if (cliSeq > this.floor)
      this.#claims.set(cliSeq, { count: (this.#claims.get(cliSeq)?.count ?? 0) + 1, event });
    else if (event !== undefined && cliSeq > 0) this.#stale.set(cliSeq, event);
  }

  unclaim(cliSeq: number, counts: boolean, event: Event): void {
    if (!counts) return;
    const claim = this.#claims.get(cliSeq);
    if (claim !== undefined && claim.count > 1) claim.count -= 1;
    else this.#claims.delete(cliSeq);
    this.#void.set(cliSeq, event);
  }

  /** Judges the base of an answer. `floorBefore` is what the floor was when its call began. */
  *judge(
    call: SyncCall,
    answer: SyncReturn,
    floorBefore: number,
    applies: (requirement: RequirementId) => void,
  ): Generator<AckBreach> {
    const { ackedSeq } = answer;
    const firstSeq = answer.messages[0]?.seq;
    applies("ACK-IMPLICIT");
    if (call.cliSeq < floorBefore) applies("ACK-NO-REDELIVERY");
    if (this.#stale.size > 0) applies("ACK-MONOTONE");
    if (this.#answered > this.floor) applies(this.#again > this.floor ? "ACK-REDELIVER" : "ACK-NOT-ON-ANSWER");
    if (this.#void.size > 0) applies("ACK-FAILED");

    if (ackedSeq < floorBefore) {
      const expected = `a page after ${floorBefore}, which was acked before this call began`;
      const actual = firstSeq === undefined ? `acked_seq ${ackedSeq}` : `acked_seq ${ackedSeq} and message ${firstSeq}`;
      const proof = this.#floorEvent === undefined ? [] : [this.#floorEvent];
      const breach = (requirement: RequirementId, message: string, more: readonly Event[] = []): AckBreach => ({
        breached: { requirement, message, expected, actual },
        proof: [...proof, ...more],
      });
      const lowerer = ackedSeq > call.cliSeq ? this.#lowerer(ackedSeq) : undefined;
      if (lowerer !== undefined) {
        yield breach("ACK-MONOTONE", `a Sync with the lower cli_seq ${ackedSeq} lowered the ack`, [lowerer]);
      } else if (ackedSeq > call.cliSeq) yield breach("ACK-IMPLICIT", "an ack was not kept");
      else yield breach("ACK-NO-REDELIVERY", "what was acked came again");
    } else if (this.#known && ackedSeq > this.floor && ackedSeq !== call.cliSeq && !this.#claims.has(ackedSeq)) {
      const expected = `acked_seq ${this.floor}${this.#claims.size > 0 ? ", or the cli_seq of a Sync under way" : ""}: nobody has acked more`;
      const breach = (requirement: RequirementId, message: string, proof: readonly Event[] = []): AckBreach => ({
        breached: { requirement, message, expected, actual: `acked_seq ${ackedSeq}` },
        proof,
      });
      const culprit = this.#void.get(ackedSeq);
      if (this.#void.has(ackedSeq)) {
        yield breach("ACK-FAILED", "a Sync that was refused has acked", culprit === undefined ? [] : [culprit]);
      } else if (ackedSeq <= this.#answered && ackedSeq > this.#again) {
        yield breach("ACK-NOT-ON-ANSWER", "what was only answered counts as acked, and is withheld");
      } else yield breach("ACK-REDELIVER", "messages that nobody has acked are withheld");
    }
  }

  /** The Sync with a lower `cli_seq` that was late, or under way together with the one that raised the ack. */
  #lowerer(seq: number): Event | undefined {
    const answered = this.#answeredSyncs.get(seq);
    return (
      this.#stale.get(seq) ?? (answered !== undefined && answered.at > this.#floorBegun ? answered.event : undefined)
    );
  }

  /** Learns from an answer to a call that began at `begun` and ended at `now`. */
  raise(cliSeq: number, answer: SyncReturn, event: Event, begun: number, now: number): void {
    const seq = Math.max(answer.ackedSeq, cliSeq);
    this.#answeredSyncs.set(cliSeq, { event, at: now });
    const last = answer.messages.at(-1)?.seq ?? 0;
    if (begun > this.#answeredAt) this.#again = Math.max(this.#again, Math.min(last, this.#answered));
    if (last > this.#answered) {
      this.#answered = last;
      this.#answeredAt = now;
    }
    if (seq <= this.floor) return;
    this.floor = seq;
    this.#floorEvent = event;
    this.#floorBegun = begun;
    for (const [claimed, { event: call }] of this.#claims) {
      if (claimed > seq) continue;
      this.#claims.delete(claimed);
      if (claimed < seq && call !== undefined) this.#stale.set(claimed, call);
    }
  }
}
