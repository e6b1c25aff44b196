import type { Event, SyncCall, SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";

/** A violation, and earlier events that belong to its evidence. */
export interface AckViolation {
  violation: ViolationDetail;
  evidence: readonly Event[];
}

/**
 * Bounds on the acked seq of an inbox. It moves only to the `cli_seq` of a Sync that was not refused, and never back:
 * at any time it is the floor that responses have shown, or the `cli_seq` of one of the claims above the floor.
 */
export class AckBounds {
  /** The highest ack that is known to have taken effect. */
  floor = 0;
  /** The response that showed the floor. */
  #floorEvent: Event | undefined;
  /** When the Sync that showed the floor began. */
  #floorBegun = 0;
  /** Syncs with a response, by `cli_seq`, and the time of the response. */
  readonly #completedSyncs = new Map<number, { event: Event; at: number }>();
  /** Whether the start of the inbox is known, so that the acked seq has an upper bound. */
  #startKnown = false;
  /** For each `cli_seq` above the floor: how many Syncs may ack it, and the last of them. */
  readonly #claims = new Map<number, { count: number; event: Event | undefined }>();
  /** `cli_seq` of Syncs that must not ack: they were refused, or had a wrong epoch. */
  readonly #ineffective = new Map<number, Event | undefined>();
  /**
   * Syncs whose `cli_seq` was below the floor when they began, or came to be below it later. If the ack falls back to
   * such a `cli_seq`, its Sync is the likely cause.
   */
  readonly #overtaken = new Map<number, Event>();
  /** Highest seq in any page, and the time when a page raised it. */
  #delivered = 0;
  #deliveredAt = 0;
  /** Highest seq that was delivered again by a later call, which shows that its first delivery did not ack it. */
  #redelivered = 0;

  /** Sets the acked seq at the start of the inbox. */
  startAt(seq: number): void {
    this.floor = seq;
    this.#startKnown = true;
  }

  /** Adds a Sync that begins. `mayAck` is false if its epoch is not the current one. */
  claim(cliSeq: number, mayAck: boolean, event: Event | undefined): void {
    if (!mayAck) this.#ineffective.set(cliSeq, event);
    else if (cliSeq > this.floor)
      this.#claims.set(cliSeq, { count: (this.#claims.get(cliSeq)?.count ?? 0) + 1, event });
    else if (event !== undefined && cliSeq > 0) this.#overtaken.set(cliSeq, event);
  }

  /** Withdraws the claim of a Sync that was refused. */
  unclaim(cliSeq: number, mayAck: boolean, event: Event): void {
    if (!mayAck) return;
    const claim = this.#claims.get(cliSeq);
    if (claim !== undefined && claim.count > 1) claim.count -= 1;
    else this.#claims.delete(cliSeq);
    this.#ineffective.set(cliSeq, event);
  }

  /** Judges the `acked_seq` of a response. `floorBefore` is the floor when the call began. */
  judge(
    call: SyncCall,
    response: SyncReturn,
    floorBefore: number,
    exercised: (requirement: RequirementId) => void,
  ): AckViolation | undefined {
    const { ackedSeq } = response;
    exercised("ACK-IMPLICIT");
    if (call.cliSeq < floorBefore) exercised("ACK-NO-REDELIVERY");
    if (this.#overtaken.size > 0) exercised("ACK-MONOTONE");
    if (this.#delivered > this.floor) exercised(this.#redelivered > this.floor ? "ACK-REDELIVER" : "ACK-NOT-ON-ANSWER");
    if (this.#ineffective.size > 0) exercised("ACK-FAILED");

    if (ackedSeq < floorBefore) return this.#belowFloor(call, response, floorBefore);
    if (this.#startKnown && ackedSeq > this.floor && ackedSeq !== call.cliSeq && !this.#claims.has(ackedSeq))
      return this.#unexplained(ackedSeq);
    return undefined;
  }

  /** Returns the violation of an acked seq that is lower than before the call. */
  #belowFloor(call: SyncCall, { ackedSeq, messages }: SyncReturn, floorBefore: number): AckViolation {
    const firstSeq = messages[0]?.seq;
    const expected = `acked_seq: at least ${floorBefore}, which was acked before this call began`;
    const page = firstSeq === undefined ? "" : `; the page begins with message ${firstSeq}`;
    const actual = `acked_seq: ${ackedSeq}${page}`;
    const floorEvents = this.#floorEvent === undefined ? [] : [this.#floorEvent];
    const violation = (requirement: RequirementId, message: string, more: readonly Event[] = []): AckViolation => ({
      violation: { requirement, message, expected, actual },
      evidence: [...floorEvents, ...more],
    });
    const loweringSync = ackedSeq > call.cliSeq ? this.#loweringSync(ackedSeq) : undefined;
    if (loweringSync !== undefined)
      return violation(
        "ACK-MONOTONE",
        `acked_seq fell from ${floorBefore} to ${ackedSeq}, the cli_seq of a lower or late Sync`,
        [loweringSync],
      );
    if (ackedSeq > call.cliSeq)
      return violation(
        "ACK-IMPLICIT",
        `acked_seq fell from ${floorBefore} to ${ackedSeq}: an acknowledgement was not kept`,
      );
    return violation(
      "ACK-NO-REDELIVERY",
      `a Sync with cli_seq ${call.cliSeq} got acked_seq ${ackedSeq}, although ${floorBefore} was acknowledged before`,
    );
  }

  /** Returns the violation of an acked seq that is higher than any Sync explains. */
  #unexplained(ackedSeq: number): AckViolation {
    const pending = this.#claims.size > 0 ? ", or the cli_seq of a Sync that may have acked" : "";
    const expected = `acked_seq: ${this.floor}${pending}; no Sync acked more`;
    const violation = (requirement: RequirementId, message: string, evidence: readonly Event[] = []): AckViolation => ({
      violation: { requirement, message, expected, actual: `acked_seq: ${ackedSeq}` },
      evidence,
    });
    const ineffective = this.#ineffective.get(ackedSeq);
    if (this.#ineffective.has(ackedSeq)) {
      const message = `a Sync with cli_seq ${ackedSeq} acked, although it was refused or had a wrong epoch`;
      return violation("ACK-FAILED", message, ineffective === undefined ? [] : [ineffective]);
    }
    if (ackedSeq <= this.#delivered && ackedSeq > this.#redelivered)
      return violation(
        "ACK-NOT-ON-ANSWER",
        `messages up to ${ackedSeq} count as acknowledged because they were delivered, without a Sync that acked them`,
      );
    return violation("ACK-REDELIVER", `messages up to ${ackedSeq} count as acknowledged, although no Sync acked them`);
  }

  /** The Sync with a lower `cli_seq` that was late, or concurrent with the Sync that raised the ack. */
  #loweringSync(seq: number): Event | undefined {
    const completed = this.#completedSyncs.get(seq);
    return (
      this.#overtaken.get(seq) ??
      (completed !== undefined && completed.at > this.#floorBegun ? completed.event : undefined)
    );
  }

  /** Updates the bounds from the response to a call that began at `begun` and ended at `now`. */
  learn(cliSeq: number, response: SyncReturn, event: Event, begun: number, now: number): void {
    const seq = Math.max(response.ackedSeq, cliSeq);
    this.#completedSyncs.set(cliSeq, { event, at: now });
    const last = response.messages.at(-1)?.seq ?? 0;
    if (begun > this.#deliveredAt) this.#redelivered = Math.max(this.#redelivered, Math.min(last, this.#delivered));
    if (last > this.#delivered) {
      this.#delivered = last;
      this.#deliveredAt = now;
    }
    if (seq <= this.floor) return;
    this.floor = seq;
    this.#floorEvent = event;
    this.#floorBegun = begun;
    for (const [claimed, { event: call }] of this.#claims) {
      if (claimed > seq) continue;
      this.#claims.delete(claimed);
      if (claimed < seq && call !== undefined) this.#overtaken.set(claimed, call);
    }
  }
}
