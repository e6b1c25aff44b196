import type {
  Event,
  Refused,
  SyncCall,
  SyncReturn,
  WatchFrame,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { Epochs } from "./epochs.js";
import { judgeFirst, judgeFrame, overrunning } from "./frame.js";
import { MessageLog } from "./messages.js";
import { type AckedState, MAX_SEQ, Numbering, type SvrFloor, type SyncTicket, type WatchTicket } from "./numbering.js";
import { judgePage } from "./page.js";
import { judgeReason, judgeState, ruleOf } from "./refused-sync.js";
import { FAILURES } from "./rules.js";
import type { RecipientInbox } from "./send-outcome.js";
import type { Acceptance, Send, Sends } from "./sends.js";
import { contradicting } from "./snapshots.js";
import { aboveCeiling, belowFloor, FALL } from "./svr-seq.js";

/** What an inbox's judge needs of the whole. */
export interface InboxContext {
  sends: Sends;
  maxPageSize: () => number;
  durable: () => boolean;
  /** A rule had something to say: it could have been broken here. */
  exercised: (requirement: RequirementId) => void;
  report: (evidence: readonly Event[], breached: ViolationText) => void;
}

const FRESH: SvrFloor = { seq: 0, how: "start", event: undefined };

/** Judges all that concerns one inbox. */
export class InboxJudge implements RecipientInbox {
  readonly #userId: string;
  readonly #context: InboxContext;
  readonly #epochs = new Epochs();
  readonly #openSyncs = new Map<SyncTicket, SyncCall>();
  /** Syncs that may have acked in a numbering that is not known yet, once each: they were lost, or answered from elsewhere. */
  readonly #unresolvedSyncs = new Map<string, Pick<SyncCall, "cliSeq" | "epoch">>();
  #sendsUnderWay = 0;
  #numbering: Numbering;
  /** When the first loss began that has not shown its consequence, and when the last one was over. */
  #lossBegun = 0;
  #lossOver = 0;
  /** The same, of losses that were asked for: these surely come with a new epoch. */
  #rotatedOver = 0;
  /** What would be a breach if the inbox has kept its numbering over a restart. */
  #deferred: (() => void)[] = [];

  constructor(userId: string, around: InboxContext) {
    this.#userId = userId;
    this.#context = around;
    this.#numbering = this.#newNumbering();
  }

  open(startSeq: number | undefined, event: Event): void {
    if (startSeq !== undefined) this.#numbering.open(startSeq, startSeq, event);
  }

  /** An attempt to send begins (1) or has its outcome (-1). */
  sendsUnderWay(change: 1 | -1): void {
    this.#sendsUnderWay += change;
  }

  sendBegins(): void {
    this.#numbering.possible += 1;
  }

  sendRefused(): void {
    this.#numbering.possible -= 1;
    this.#numbering.refused += 1;
  }

  /** A message was accepted for the first time in this numbering. */
  sendAccepted(send: Send, { begun, event }: Acceptance): void {
    const numbering = this.#numbering;
    // While it is not known whether a loss came before or after it, nothing follows.
    if (this.#epochs.unsettled && begun >= this.#lossBegun) return;
    numbering.accepted += 1;
    if (numbering.base !== undefined) numbering.raise(numbering.base + numbering.accepted, "accepted", event);
    numbering.log.accepted(send);
  }

  /** Reports at once, or, while it is open whether the inbox has begun again, once that is known. */
  reportIfKept(evidence: readonly Event[], breached: ViolationText): void {
    const report = () => this.#context.report(evidence, this.#afterRestart(breached));
    if (this.#epochs.unsettled) this.#deferred.push(report);
    else report();
  }

  /** Whether the inbox may have lost a message that was there at this time, and the dedup record with it. */
  lostSince(at: number): boolean {
    return this.#lossOver > at;
  }

  /** Whether a loss was under way then, or came later, that gave the inbox a new epoch. */
  rotatedSince(at: number): boolean {
    return this.#rotatedOver > at;
  }

  mayBeExhausted(): boolean {
    return this.#numbering.svrCeiling >= MAX_SEQ;
  }

  /** What is surely acked by now. */
  get emptied(): AckedState {
    return { numbering: this.#numbering, ackFloor: this.#numbering.acks.floor };
  }

  /** Whether nothing can have been pending from then on: all that may have come was acked by then. It has taken messages before. */
  wasEmptySince({ numbering, ackFloor }: AckedState): boolean {
    const { base, accepted, svrCeiling } = numbering;
    if (this.#epochs.unsettled || numbering !== this.#numbering) return false; // its records or its room may be of another
    return base !== undefined && accepted > 0 && ackFloor >= svrCeiling;
  }

  lossBegins(now: number): void {
    if (!this.#epochs.unsettled) this.#lossBegun = now;
    this.#rotatedOver = Number.POSITIVE_INFINITY;
    this.#lossOver = Number.POSITIVE_INFINITY;
    this.#epochs.lossBegins();
  }

  restartBegins(now: number): void {
    if (!this.#epochs.unsettled) this.#lossBegun = now;
    this.#lossOver = Number.POSITIVE_INFINITY;
    this.#epochs.restartBegins();
  }

  lossEnds(now: number): void {
    this.#epochs.ends(now);
    this.#over(now);
  }

  /** There was no loss. */
  lossRefused(now: number): void {
    this.#epochs.cancelled(now);
    this.#over(now);
    if (!this.#epochs.unsettled) for (const report of this.#deferred.splice(0)) report();
  }

  syncCall(now: number, call: SyncCall, event: Event): SyncTicket {
    const numbering = this.#numbering;
    const ticket = { begun: now, numbering, svrFloor: numbering.svrFloor, ackFloor: numbering.acks.floor };
    numbering.acks.claim(call.cliSeq, this.#mayCount(call), event);
    this.#openSyncs.set(ticket, call);
    return ticket;
  }

  syncLost(ticket: SyncTicket, call: SyncCall): void {
    this.#openSyncs.delete(ticket); // it may have acked: its claim stays
    this.#stray(call);
  }

  syncRefused(ticket: SyncTicket, call: SyncCall, refusal: Refused, callEvent: Event, event: Event): void {
    this.#openSyncs.delete(ticket);
    const { numbering } = ticket;
    numbering.acks.unclaim(call.cliSeq, this.#mayCount(call), callEvent);
    if (FAILURES.includes(refusal.code))
      this.#breacher([callEvent, event])("SYNC-ANSWER", "the server failed at a Sync", "an answer", refusal.code);
    if (this.#epochs.unsettled || numbering !== this.#numbering) return; // either epoch may have been asked
    const requirement = ruleOf(refusal);
    if (requirement === undefined) return;
    this.#context.exercised(requirement);
    const evidence = [callEvent, event];
    const [unreasonable, untrue] = [judgeReason(call, refusal, ticket), judgeState(refusal, requirement, ticket)];
    for (const breached of [unreasonable, untrue]) if (breached !== undefined) this.#context.report(evidence, breached);
    if (untrue !== undefined) return;
    if (refusal.svrSeq > numbering.svrCeiling) this.#judgeSvrSeq(numbering, FRESH, refusal.svrSeq, evidence);
    else if (numbering.epoch !== undefined) numbering.raise(refusal.svrSeq, "answer", event);
  }

  syncReturn(
    now: number,
    ticket: SyncTicket,
    call: SyncCall,
    answer: SyncReturn,
    callEvent: Event,
    event: Event,
  ): void {
    this.#openSyncs.delete(ticket);
    const evidence = [callEvent, event];
    for (const breached of judgePage(call, answer, this.#context.maxPageSize(), this.#context.exercised)) {
      this.#context.report(evidence, breached);
      // With a Send under way, the likely reason is that its seq can be seen before its message.
      if (breached.requirement === "PAGE-PROGRESS" && this.#sendsUnderWay > 0)
        this.#context.report(evidence, {
          ...breached,
          requirement: "SEQ-CONTIGUOUS",
          message: "svr_seq counts a message that is not there to fetch, while a Send is under way",
        });
    }
    const numbering = this.#enter(now, answer.epoch, ticket.begun, evidence);
    if (numbering === undefined) {
      this.#stray(call);
      return;
    }
    const since = numbering === ticket.numbering ? ticket : { svrFloor: FRESH, ackFloor: 0 };
    this.#learnBase(numbering, answer, event);

    numbering.log.page(answer.ackedSeq, answer.messages, evidence);
    this.#judgeSvrSeq(numbering, since.svrFloor, answer.svrSeq, evidence);
    for (const { breached, proof } of numbering.acks.judge(call, answer, since.ackFloor, this.#context.exercised)) {
      this.#context.report([...proof, ...evidence], this.#afterRestart(breached));
    }
    numbering.raise(answer.svrSeq, "answer", event);
    numbering.answered = Math.max(numbering.answered, answer.svrSeq);
    numbering.acks.raise(call.cliSeq, answer, event, ticket.begun, now);
    numbering.snapshots.add({ ackedSeq: answer.ackedSeq, svrSeq: answer.svrSeq, begun: ticket.begun, evidence });
  }

  watchCall(now: number): WatchTicket {
    return { begun: now, numbering: this.#numbering, svrFloor: this.#numbering.svrFloor, last: undefined };
  }

  watchFrame(now: number, ticket: WatchTicket, frame: WatchFrame, callEvent: Event, event: Event): void {
    const evidence = [callEvent, event];
    for (const breached of judgeFrame(ticket.last, frame, this.#context.exercised))
      this.#context.report(evidence, breached);
    const first = ticket.last === undefined;
    ticket.last = frame;
    const numbering = this.#enter(now, frame.epoch, ticket.begun, evidence);
    if (numbering === undefined) return;
    if (first) this.#context.exercised("WATCH-FIRST");
    const stale = first && numbering === ticket.numbering ? judgeFirst(ticket.svrFloor.seq, frame) : undefined;
    if (stale !== undefined) this.#context.report(evidence, stale);
    this.#context.exercised("WATCH-PRIVATE");
    const { svrCeiling } = numbering;
    if (frame.svrSeq <= svrCeiling) numbering.raise(frame.svrSeq, "frame", event);
    else numbering.overrun ??= { svrSeq: frame.svrSeq, svrCeiling, evidence };
  }

  finish(): void {
    this.#close(this.#numbering);
  }

  #close({ log, base, snapshots, overrun, answered }: Numbering): void {
    log.finish(base, snapshots);
    // If Sync agrees with the frame, the frame is right about an inbox that is wrong, and that has its finding.
    if (overrun !== undefined && overrun.svrSeq > answered)
      this.#context.report(overrun.evidence, overrunning(overrun));
    this.#context.exercised("SYNC-LINEARIZABLE");
    const pair = snapshots.contradiction();
    if (pair !== undefined) this.#context.report([...pair[0].evidence, ...pair[1].evidence], contradicting(pair));
  }

  /** Finds the numbering that an epoch names; undefined if the answer is of one that is over. */
  #enter(now: number, epoch: string, begun: number, evidence: readonly Event[]): Numbering | undefined {
    const numbering = this.#numbering;
    const breach = this.#breacher(evidence);
    const was = `"${numbering.epoch}"`;
    this.#context.exercised("EPOCH-STABLE");
    const settled = !this.#epochs.unsettled;
    const { restartOnly } = this.#epochs;
    const seen = this.#epochs.see(now, epoch, begun);
    if (!settled && seen !== "over") this.#context.exercised("EPOCH-RENEWED");
    switch (seen) {
      case "same":
        numbering.epoch = epoch;
        if (!this.#epochs.unsettled) for (const report of this.#deferred.splice(0)) report();
        return numbering;
      case "kept":
        breach("EPOCH-RENEWED", "an inbox that lost its data has its old epoch", "a new epoch", `"${epoch}"`);
        return numbering;
      case "changed":
        breach("EPOCH-STABLE", "the epoch changed while the numbering went on", was, `"${epoch}"`);
        return undefined;
      case "over":
        return undefined;
      default:
        if (seen === "reused")
          breach("EPOCH-RENEWED", "a new numbering has an epoch that was used before", "a new epoch", `"${epoch}"`);
        if (restartOnly && this.#context.durable())
          breach("DUR-KEEP", "a durable server lost its epoch over a restart", was, `"${epoch}"`);
        return this.#renew(now, epoch);
    }
  }

  /** The numbering starts again from nothing, or with what has survived. What was under way may have landed in it. */
  #renew(now: number, epoch: string): Numbering {
    this.#close(this.#numbering);
    this.#deferred = [];
    const next = this.#newNumbering();
    next.epoch = epoch;
    next.open(0, 0, undefined);
    // What began after the new epoch was seen is surely in it, unless another loss is still to show.
    const boundary = this.#epochs.unsettled ? Number.POSITIVE_INFINITY : Math.min(this.#lossOver, now);
    const { certain, possible } = this.#context.sends.lose(
      this.#userId,
      this.#lossBegun,
      boundary,
      this.#epochs.restarted,
    );
    // After its dedup window each attempt at a message may have made one.
    for (const { mayRepeat, attempts } of [...certain, ...possible]) next.possible += mayRepeat ? attempts : 1;
    next.accepted = certain.length;
    for (const send of certain) next.log.accepted(send);
    for (const call of this.#openSyncs.values())
      next.acks.claim(call.cliSeq, call.epoch === "" || call.epoch === epoch, undefined);
    for (const stray of this.#unresolvedSyncs.values())
      if (stray.epoch === "" || stray.epoch === epoch) next.acks.claim(stray.cliSeq, true, undefined);
    this.#numbering = next;
    return next;
  }

  #over(now: number): void {
    if (this.#epochs.underWay) return;
    this.#lossOver = now;
    if (this.#rotatedOver === Number.POSITIVE_INFINITY) this.#rotatedOver = now;
  }

  #stray(call: SyncCall): void {
    this.#unresolvedSyncs.set(`${call.cliSeq} ${call.epoch}`, call);
  }

  #newNumbering(): Numbering {
    return new Numbering(
      new MessageLog(this.#userId, this.#context.sends, (evidence, breached) =>
        this.#context.report(evidence, this.#afterRestart(breached)),
      ),
    );
  }

  /** The first answer tells where an inbox with a past stands, if nothing of ours can be in it yet. */
  #learnBase(numbering: Numbering, answer: SyncReturn, event: Event): void {
    if (numbering.base !== undefined) return;
    // What else is in it may have been there before.
    numbering.log.hasPast = numbering.possible > 0;
    if (numbering.log.hasPast) return;
    numbering.open(answer.svrSeq, answer.ackedSeq, event);
    numbering.log.past = answer.svrSeq;
  }

  #judgeSvrSeq(numbering: Numbering, floor: SvrFloor, svrSeq: number, evidence: readonly Event[]): void {
    this.#context.exercised("SEQ-CONSECUTIVE");
    if (floor.how !== "start") this.#context.exercised(FALL[floor.how].requirement);
    const fall = belowFloor(floor, svrSeq);
    if (fall !== undefined)
      this.#context.report(floor.event === undefined ? evidence : [floor.event, ...evidence], this.#afterRestart(fall));
    const excess = aboveCeiling(numbering, svrSeq);
    if (excess !== undefined) {
      this.#context.report(evidence, excess);
      numbering.base = svrSeq - numbering.possible; // go on from what the server believes
    }
  }

  /** After a restart under the same epoch, whatever is missing is the restart's fault. */
  #afterRestart(breached: ViolationText): ViolationText {
    if (!this.#epochs.restarted || !LOSSES.includes(breached.requirement)) return breached;
    return { ...breached, requirement: this.#context.durable() ? "DUR-KEEP" : "DUR-NEW-EPOCH" };
  }

  /** Whether a Sync can have acked in this numbering at all. */
  #mayCount({ epoch }: SyncCall): boolean {
    const { epoch: current } = this.#numbering;
    return epoch === "" || current === undefined || epoch === current;
  }

  #breacher(evidence: readonly Event[]) {
    return (requirement: RequirementId, message: string, expected: string, actual: string) =>
      this.#context.report(evidence, { requirement, message, expected, actual });
  }
}

/** Breaches that, after a restart, mean that something was not kept. */
const LOSSES: readonly RequirementId[] = [
  "SEND-VISIBLE",
  "SEQ-MONOTONE",
  "WATCH-SYNC",
  "ACK-NO-REDELIVERY",
  "ACK-IMPLICIT",
  "ACK-MONOTONE",
  "SEQ-IMMUTABLE",
  "SEND-RETRY",
  "SEND-RETRY-CONCURRENT",
];
