import type { Event, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Epochs } from "./epochs.js";
import { excessFrameViolation } from "./frame.js";
import type { InboxContext, InboxReporter } from "./inbox-reporter.js";
import { MessageLog } from "./messages.js";
import { Numbering, type SvrFloor, type SyncTicket } from "./numbering.js";
import type { Acceptance, Send } from "./sends.js";
import { contradictionViolation } from "./snapshots.js";

/** The numberings of one inbox, one after the other. It decides to which numbering a response or a frame belongs. */
export class NumberingHistory {
  current: Numbering;
  readonly #userId: string;
  readonly #context: InboxContext;
  readonly #reporter: InboxReporter;
  readonly #epochs: Epochs;
  readonly #pendingSyncs = new Map<SyncTicket, SyncCall>();
  /**
   * Syncs that may have acked in a numbering that is not known yet: they had no response, or the response belonged to
   * another numbering.
   */
  readonly #unresolvedSyncs = new Map<string, Pick<SyncCall, "cliSeq" | "epoch">>();
  /** Messages accepted while it was unknown whether the inbox kept its numbering. */
  #deferredAcceptances: { send: Send; acceptance: Acceptance }[] = [];
  /** Floors of `svr_seq` that deferred acceptances raised, each with the time when its message was accepted. */
  readonly #laterFloors: { numbering: Numbering; at: number; floor: SvrFloor }[] = [];
  /** When the first data loss began whose effect no response has shown yet. */
  #lossBegunAt = 0;
  /** When the last data loss ended; infinite while one is in progress. */
  #lossEndedAt = 0;
  /** When the last requested data loss ended; infinite while one is in progress. It always brings a new epoch. */
  #rotationEndedAt = 0;

  constructor(userId: string, context: InboxContext, reporter: InboxReporter, epochs: Epochs) {
    this.#userId = userId;
    this.#context = context;
    this.#reporter = reporter;
    this.#epochs = epochs;
    this.current = this.#newNumbering();
  }

  /** The fixture begins to make the inbox lose its data. */
  beginRotation(now: number): void {
    if (!this.#epochs.unsettled) this.#lossBegunAt = now;
    this.#rotationEndedAt = Number.POSITIVE_INFINITY;
    this.#lossEndedAt = Number.POSITIVE_INFINITY;
    this.#epochs.beginRotation();
  }

  /** The server is killed. */
  beginRestart(now: number): void {
    if (!this.#epochs.unsettled) this.#lossBegunAt = now;
    this.#lossEndedAt = Number.POSITIVE_INFINITY;
    this.#epochs.beginRestart();
  }

  /** A data loss or a restart ends. */
  endLoss(now: number): void {
    this.#epochs.end(now);
    this.#recordEnd(now);
  }

  /** A data loss was refused: it did not happen. */
  cancelLoss(now: number): void {
    this.#epochs.cancel(now);
    this.#recordEnd(now);
    this.#reporter.flushIfSettled();
  }

  /** Whether the inbox may have lost data at this time or later, and the dedup records of its messages with it. */
  lostSince(at: number): boolean {
    return this.#lossEndedAt > at;
  }

  /** Whether a data loss that changes the epoch was in progress at this time, or began later. */
  rotatedSince(at: number): boolean {
    return this.#rotationEndedAt > at;
  }

  /** Whether an event at this time may belong to the current numbering or to the next one. */
  isAmbiguous(at: number): boolean {
    return this.#epochs.unsettled && at >= this.#lossBegunAt;
  }

  /**
   * Counts a message that was accepted for the first time in the current numbering. While it is unknown whether the
   * inbox kept its numbering, the count is deferred.
   */
  accept(send: Send, acceptance: Acceptance): void {
    if (this.isAmbiguous(acceptance.begun)) {
      this.#deferredAcceptances.push({ send, acceptance });
      return;
    }
    const { current } = this;
    current.acceptedMessages += 1;
    if (current.base !== undefined)
      current.raiseSvrFloor(current.base + current.acceptedMessages, "accepted", acceptance.event);
    current.log.accepted(send);
  }

  /**
   * Returns the floor of `svr_seq` when a Sync began. It includes messages that had been accepted by then and were
   * counted later.
   */
  floorOf({ numbering, svrFloor, begun }: SyncTicket): SvrFloor {
    const later = this.#laterFloors.findLast((it) => it.numbering === numbering && it.at < begun);
    return later !== undefined && later.floor.seq > svrFloor.seq ? later.floor : svrFloor;
  }

  addSync(ticket: SyncTicket, call: SyncCall): void {
    this.#pendingSyncs.set(ticket, call);
  }

  removeSync(ticket: SyncTicket): void {
    this.#pendingSyncs.delete(ticket);
  }

  /** Remembers that a Sync may have acked in a later numbering. */
  addUnresolvedSync(call: SyncCall): void {
    this.#unresolvedSyncs.set(`${call.cliSeq} ${call.epoch}`, call);
  }

  /** Whether a Sync with this epoch can ack in the current numbering. */
  mayAck({ epoch }: SyncCall): boolean {
    const { epoch: current } = this.current;
    return epoch === "" || current === undefined || epoch === current;
  }

  /** Finds the numbering of a response with this epoch. Returns undefined if the numbering is over or unknown. */
  enter(now: number, epoch: string, begun: number, evidence: readonly Event[]): Numbering | undefined {
    const { current } = this;
    const report = (requirement: RequirementId, message: string, expected: string) =>
      this.#reporter.report(evidence, {
        requirement,
        message,
        expected: `epoch: ${expected}`,
        actual: `epoch: "${epoch}"`,
      });
    this.#context.exercised("EPOCH-STABLE");
    const { restartsOnly, unsettled } = this.#epochs;
    const change = this.#epochs.observe(now, epoch, begun);
    if (unsettled && change !== "outdated") this.#context.exercised("EPOCH-RENEWED");
    switch (change) {
      case "same":
        this.#keep(epoch);
        return current;
      case "not-renewed":
        report("EPOCH-RENEWED", "an inbox has its old epoch after a data loss", "a new one");
        return current;
      case "changed":
        report("EPOCH-STABLE", "the epoch changed without a data loss", `"${current.epoch}"`);
        return undefined;
      case "outdated":
        return undefined;
      default:
        // A DURABLE server keeps its numbering in a restart, also if no response has shown its epoch before.
        if (current.epoch === undefined && restartsOnly && this.#context.durable()) {
          this.#keep(epoch);
          return current;
        }
        if (change === "reused")
          report("EPOCH-RENEWED", "an inbox has an epoch again that it had before a data loss", "a new one");
        if (restartsOnly && this.#context.durable())
          report("DUR-KEEP", "the epoch of a DURABLE server changed in a restart", `"${current.epoch}"`);
        return this.#renew(now, epoch);
    }
  }

  /** Judges the last numbering. */
  finish(): void {
    this.#finish(this.current);
  }

  /** The inbox has this epoch, and kept its numbering. */
  #keep(epoch: string): void {
    const { current } = this;
    current.epoch = epoch;
    this.#reporter.flushIfSettled();
    if (this.#epochs.unsettled) return;
    for (const { send, acceptance } of this.#deferredAcceptances.splice(0)) {
      this.accept(send, acceptance);
      this.#laterFloors.push({ numbering: current, at: acceptance.at, floor: current.svrFloor });
    }
  }

  #finish({ log, base, snapshots, excessFrame, highestReported }: Numbering): void {
    log.finish(base, snapshots);
    // If a Sync reports as much as the frame, the frame is right about the inbox, and the Sync has its own finding.
    if (excessFrame !== undefined && excessFrame.svrSeq > highestReported)
      this.#reporter.report(excessFrame.evidence, excessFrameViolation(excessFrame));
    this.#context.exercised("SYNC-LINEARIZABLE");
    const pair = snapshots.contradiction();
    if (pair !== undefined)
      this.#reporter.report([...pair[0].evidence, ...pair[1].evidence], contradictionViolation(pair));
  }

  /**
   * Begins a new numbering, empty or with what survived a restart. Calls that were pending may have taken effect in it.
   */
  #renew(now: number, epoch: string): Numbering {
    this.#finish(this.current);
    this.#reporter.discardDeferred();
    this.#deferredAcceptances = [];
    const next = this.#newNumbering();
    next.epoch = epoch;
    const { svrFloor, acks } = this.current;
    next.previous = { svrSeq: svrFloor.seq, ackedSeq: acks.floor };
    next.startAt(0, 0, undefined);
    // A call that began after the new epoch was seen belongs to it, unless another loss may still show its effect.
    const lossEnded = this.#epochs.unsettled ? Number.POSITIVE_INFINITY : Math.min(this.#lossEndedAt, now);
    const { certain, possible } = this.#context.sends.applyLoss(
      this.#userId,
      this.#lossBegunAt,
      lossEnded,
      this.#epochs.restarted,
    );
    // After the dedup window, each attempt to send a message may have created one.
    for (const { mayDuplicate, attempts } of [...certain, ...possible])
      next.possibleMessages += mayDuplicate ? attempts : 1;
    next.acceptedMessages = certain.length;
    for (const send of certain) next.log.accepted(send);
    for (const call of this.#pendingSyncs.values())
      next.acks.claim(call.cliSeq, call.epoch === "" || call.epoch === epoch, undefined);
    for (const call of this.#unresolvedSyncs.values())
      if (call.epoch === "" || call.epoch === epoch) next.acks.claim(call.cliSeq, true, undefined);
    this.current = next;
    return next;
  }

  #newNumbering(): Numbering {
    return new Numbering(
      new MessageLog(this.#userId, this.#context.sends, (evidence, violation) =>
        this.#reporter.reportLoss(evidence, violation),
      ),
    );
  }

  #recordEnd(now: number): void {
    if (this.#epochs.inProgress) return;
    this.#lossEndedAt = now;
    if (this.#rotationEndedAt === Number.POSITIVE_INFINITY) this.#rotationEndedAt = now;
  }
}
