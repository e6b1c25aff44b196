import type {
  Event,
  Refused,
  SyncCall,
  SyncReturn,
  WatchFrame,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import { Epochs } from "./epochs.js";
import { judgeFirstFrame, judgeFrame } from "./frame.js";
import { type InboxContext, InboxReporter } from "./inbox-reporter.js";
import {
  type AckedState,
  MAX_SEQ,
  type Numbering,
  type SvrFloor,
  type SyncTicket,
  type WatchTicket,
} from "./numbering.js";
import { NumberingHistory } from "./numbering-history.js";
import { judgePage } from "./page.js";
import { judgeReason, judgeState, requirementOf } from "./refused-sync.js";
import { SERVER_FAILURE_CODES } from "./rules.js";
import type { RecipientInbox } from "./send-outcome.js";
import type { Acceptance, Send } from "./sends.js";
import { aboveCeiling, asWrongStart, belowFloor, FLOOR_VIOLATIONS, goesOnCounting, isRestart } from "./svr-seq.js";

/** The floor of a numbering of which nothing is known. */
const NO_FLOOR: SvrFloor = { seq: 0, source: "start", event: undefined };

/** Judges the Syncs and Watches of one inbox by the Sends to it. */
export class InboxJudge implements RecipientInbox {
  readonly #context: InboxContext;
  readonly #epochs = new Epochs();
  readonly #reporter: InboxReporter;
  readonly #numberings: NumberingHistory;
  #pendingSends = 0;

  constructor(userId: string, context: InboxContext) {
    this.#context = context;
    this.#reporter = new InboxReporter(context, this.#epochs);
    this.#numberings = new NumberingHistory(userId, context, this.#reporter, this.#epochs);
  }

  get #numbering(): Numbering {
    return this.#numberings.current;
  }

  /** Opens the account. Without a `startSeq` the inbox may hold messages from before the history. */
  start(startSeq: number | undefined, event: Event): void {
    if (startSeq !== undefined) this.#numbering.startAt(startSeq, startSeq, event);
  }

  /** Judges what only the whole history shows. */
  finish(): void {
    this.#numberings.finish();
  }

  // Sends to this inbox

  /** An attempt to send begins (1) or has an outcome (-1). */
  countPendingSends(change: 1 | -1): void {
    this.#pendingSends += change;
  }

  /** A Send may create one more message. */
  addPossibleMessage(): void {
    this.#numbering.possibleMessages += 1;
  }

  /** All attempts to send a message were refused. */
  removePossibleMessage(): void {
    this.#numbering.possibleMessages -= 1;
    this.#numbering.refusedSends += 1;
  }

  /**
   * A message was accepted for the first time in this numbering. Returns the epoch and the lowest `svr_seq` that covers
   * the message; undefined if they are not known.
   */
  sendAccepted(send: Send, acceptance: Acceptance): { epoch: string; svrSeq: number } | undefined {
    this.#numberings.accept(send, acceptance);
    const { epoch, base, acceptedMessages } = this.#numbering;
    if (this.#epochs.unsettled || epoch === undefined || base === undefined) return undefined;
    return { epoch, svrSeq: base + acceptedMessages };
  }

  reportIfKept(evidence: readonly Event[], violation: ViolationDetail): void {
    this.#reporter.reportIfKept(evidence, violation);
  }

  mayBeExhausted(): boolean {
    return this.#numbering.svrCeiling >= MAX_SEQ;
  }

  /** What is known to be acked now. */
  get ackedState(): AckedState {
    return { numbering: this.#numbering, ackFloor: this.#numbering.acks.floor };
  }

  /** Whether all messages that may be in the inbox were acked at the time of this state, and there was at least one. */
  wasEmptySince({ numbering, ackFloor }: AckedState): boolean {
    const { base, acceptedMessages, svrCeiling } = numbering;
    // In these cases the refusal may be about another numbering.
    if (this.#epochs.unsettled || numbering !== this.#numbering) return false;
    return base !== undefined && acceptedMessages > 0 && ackFloor >= svrCeiling;
  }

  // Data losses and restarts

  beginRotation(now: number): void {
    this.#numberings.beginRotation(now);
  }

  beginRestart(now: number): void {
    this.#numberings.beginRestart(now);
  }

  endLoss(now: number): void {
    this.#numberings.endLoss(now);
  }

  cancelLoss(now: number): void {
    this.#numberings.cancelLoss(now);
  }

  lostSince(at: number): boolean {
    return this.#numberings.lostSince(at);
  }

  rotatedSince(at: number): boolean {
    return this.#numberings.rotatedSince(at);
  }

  // Syncs

  syncCall(now: number, call: SyncCall, event: Event): SyncTicket {
    const numbering = this.#numbering;
    const { svrFloor, svrCeiling, base } = numbering;
    const ackFloor = numbering.acks.floor;
    const isKnown = base !== undefined && !this.#epochs.unsettled;
    const nothingPending = isKnown && Math.max(ackFloor, call.cliSeq) === svrCeiling;
    const ticket = { begun: now, numbering, svrFloor, ackFloor, nothingPending };
    numbering.acks.claim(call.cliSeq, this.#numberings.mayAck(call), event);
    this.#numberings.addSync(ticket, call);
    return ticket;
  }

  /** The Sync may have acked, so its claim stays. */
  syncWithoutResponse(ticket: SyncTicket, call: SyncCall): void {
    this.#numberings.removeSync(ticket);
    this.#numberings.addUnresolvedSync(call);
  }

  syncRefused(ticket: SyncTicket, call: SyncCall, refusal: Refused, callEvent: Event, event: Event): void {
    this.#numberings.removeSync(ticket);
    const { numbering } = ticket;
    const evidence = [callEvent, event];
    numbering.acks.unclaim(call.cliSeq, this.#numberings.mayAck(call), callEvent);
    if (SERVER_FAILURE_CODES.includes(refusal.code))
      this.#reporter.report(evidence, {
        requirement: "SYNC-ANSWER",
        message: `a well-formed Sync failed with ${refusal.code}`,
        expected: "a page, or a refusal with a reason",
        actual: `code: ${refusal.code} (HTTP ${refusal.httpStatus})`,
      });
    // In these cases the refusal may be about another numbering.
    if (this.#epochs.unsettled || numbering !== this.#numbering) return;
    const requirement = requirementOf(refusal);
    if (requirement === undefined) return;
    this.#context.exercised(requirement);
    const wrongReason = judgeReason(call, refusal, ticket);
    // Of two findings about the same epoch only the one that explains the other.
    const isExplained = wrongReason?.requirement === "EPOCH-STABLE";
    const wrongState = isExplained ? undefined : judgeState(refusal, requirement, ticket);
    for (const violation of [wrongReason, wrongState])
      if (violation !== undefined) this.#reporter.report(evidence, violation);
    if (wrongState !== undefined || isExplained) return;
    if (refusal.svrSeq > numbering.svrCeiling) this.#judgeSvrSeq(numbering, NO_FLOOR, refusal.svrSeq, evidence);
    else if (numbering.epoch !== undefined) numbering.raiseSvrFloor(refusal.svrSeq, "response", event);
  }

  syncReturn(
    now: number,
    ticket: SyncTicket,
    call: SyncCall,
    response: SyncReturn,
    callEvent: Event,
    event: Event,
  ): void {
    this.#numberings.removeSync(ticket);
    const evidence = [callEvent, event];
    this.#judgePage(call, response, evidence);
    const numbering = this.#numberings.enter(now, response.epoch, ticket.begun, evidence);
    if (numbering === undefined) {
      this.#numberings.addUnresolvedSync(call);
      return;
    }
    const isSame = numbering === ticket.numbering;
    const svrFloor = isSame ? this.#numberings.floorOf(ticket) : NO_FLOOR;
    const ackFloor = isSame ? ticket.ackFloor : 0;
    learnBase(numbering, response, event);

    numbering.log.page(response.ackedSeq, response.messages, evidence);
    const isWrongStart = goesOnCounting(numbering, response);
    this.#judgeSvrSeq(numbering, svrFloor, response.svrSeq, evidence);
    const wrongAck = numbering.acks.judge(call, response, ackFloor, this.#context.exercised);
    if (wrongAck !== undefined) {
      const { violation } = wrongAck;
      const blamed = isWrongStart && violation.requirement === "ACK-REDELIVER" ? asWrongStart(violation) : violation;
      this.#reporter.reportLoss([...wrongAck.evidence, ...evidence], blamed);
    }
    numbering.isSeen = true;
    numbering.raiseSvrFloor(response.svrSeq, "response", event);
    numbering.highestReported = Math.max(numbering.highestReported, response.svrSeq);
    numbering.acks.learn(call.cliSeq, response, event, ticket.begun, now);
    numbering.snapshots.add({ ackedSeq: response.ackedSeq, svrSeq: response.svrSeq, begun: ticket.begun, evidence });
  }

  #judgePage(call: SyncCall, response: SyncReturn, evidence: readonly Event[]): void {
    for (const violation of judgePage(call, response, this.#context.maxPageSize(), this.#context.exercised)) {
      this.#reporter.report(evidence, violation);
      // While a Send is pending, the likely cause is that its seq becomes visible before its message.
      if (violation.requirement === "PAGE-PROGRESS" && this.#pendingSends > 0)
        this.#reporter.report(evidence, {
          ...violation,
          requirement: "SEQ-CONTIGUOUS",
          message: "svr_seq counts a message that is not available yet, while a Send is pending",
        });
    }
  }

  #judgeSvrSeq(numbering: Numbering, floor: SvrFloor, svrSeq: number, evidence: readonly Event[]): void {
    this.#context.exercised("SEQ-CONSECUTIVE");
    if (floor.source !== "start") this.#context.exercised(FLOOR_VIOLATIONS[floor.source].requirement);
    const tooLow = belowFloor(floor, svrSeq);
    if (tooLow !== undefined)
      this.#reporter.reportLoss(floor.event === undefined ? evidence : [floor.event, ...evidence], tooLow);
    const tooHigh = aboveCeiling(numbering, svrSeq);
    if (tooHigh !== undefined) {
      this.#reporter.report(evidence, isRestart(numbering) ? asWrongStart(tooHigh) : tooHigh);
      numbering.base = svrSeq - numbering.possibleMessages; // judge the rest by the server's own numbering
    }
  }

  // Watches

  watchCall(now: number): WatchTicket {
    return { begun: now, numbering: this.#numbering, svrFloor: this.#numbering.svrFloor, last: undefined };
  }

  watchFrame(now: number, ticket: WatchTicket, frame: WatchFrame, callEvent: Event, event: Event): void {
    const evidence = [callEvent, event];
    for (const violation of judgeFrame(ticket.last, frame, this.#context.exercised))
      this.#reporter.report(evidence, violation);
    const isFirst = ticket.last === undefined;
    ticket.last = frame;
    const numbering = this.#numberings.enter(now, frame.epoch, ticket.begun, evidence);
    if (numbering === undefined) return;
    if (isFirst) this.#context.exercised("WATCH-FIRST");
    const stale = isFirst && numbering === ticket.numbering ? judgeFirstFrame(ticket.svrFloor.seq, frame) : undefined;
    if (stale !== undefined) this.#reporter.report(evidence, stale);
    this.#context.exercised("WATCH-PRIVATE");
    const { svrCeiling } = numbering;
    if (frame.svrSeq <= svrCeiling) numbering.raiseSvrFloor(frame.svrSeq, "frame", event);
    else numbering.excessFrame ??= { svrSeq: frame.svrSeq, svrCeiling, evidence };
  }
}

/**
 * Sets the base of an inbox with unknown contents from its first response, if no Send of the history can be in it yet.
 */
function learnBase(numbering: Numbering, response: SyncReturn, event: Event): void {
  if (numbering.base !== undefined) return;
  numbering.log.pastUnknown = numbering.possibleMessages > 0;
  if (numbering.log.pastUnknown) return;
  numbering.startAt(response.svrSeq, response.ackedSeq, event);
  numbering.log.pastEnd = response.svrSeq;
}
