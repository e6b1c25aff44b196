import type {
  Event,
  Refused,
  SyncCall,
  SyncReturn,
  WatchFrame,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { RequirementId } from "../registry/requirements.js";
import { AckBounds } from "./acks.js";
import { MessageLog } from "./messages.js";
import { type Breached, judgePage } from "./page.js";
import type { Send, Sends } from "./sends.js";

const MAX_SEQ = 0xffff_ffff;

/** What an inbox's judge needs of the whole. */
export interface Surroundings {
  sends: Sends;
  maxPageSize: () => number;
  durable: () => boolean;
  report: (evidence: readonly Event[], breached: Breached) => void;
}

/** The highest svr_seq that the server has owned up to, and how. */
interface SvrFloor {
  seq: number;
  how: "start" | "answer" | "frame" | "accepted";
  event: Event | undefined;
}

/** What was known when a call began: no answer to it may fall behind that. */
export interface SyncTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  ackFloor: number;
}

export interface WatchTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  last: WatchFrame | undefined;
}

/** One epoch of an inbox: bounds on what the server's state can be, from what clients saw. */
class Numbering {
  epoch: string | undefined;
  /** `svr_seq` at its start; undefined until it is known. Messages up to here are of the past: nothing is known of them. */
  base: number | undefined;
  svrFloor: SvrFloor = { seq: 0, how: "start", event: undefined };
  /** Messages that may be in it, beyond the base; and those that must. */
  possible = 0;
  accepted = 0;
  readonly acks = new AckBounds();
  readonly log: MessageLog;

  constructor(log: MessageLog) {
    this.log = log;
  }

  /** The highest svr_seq that can be explained. */
  get svrCeiling(): number {
    return this.base === undefined ? MAX_SEQ : this.base + this.possible;
  }

  raise(seq: number, how: SvrFloor["how"], event: Event): void {
    if (seq > this.svrFloor.seq) this.svrFloor = { seq, how, event };
  }
}

/** Judges all that concerns one inbox. */
export class InboxJudge {
  readonly #userId: string;
  readonly #around: Surroundings;
  readonly #epochs = new Set<string>();
  readonly #openSyncs = new Map<SyncTicket, SyncCall>();
  #numbering: Numbering;
  #refusedSends = 0;
  /** While the inbox loses its data, or since the server began to restart: its epoch may change. */
  #mayChange = false;
  #restarted = false;
  /** When the epoch that was there before must have been over. */
  #lostAt: number | undefined;

  constructor(userId: string, around: Surroundings) {
    this.#userId = userId;
    this.#around = around;
    this.#numbering = this.#newNumbering();
  }

  open(startSeq: number | undefined, event: Event): void {
    if (startSeq === undefined) return;
    this.#numbering.base = startSeq;
    this.#numbering.raise(startSeq, "start", event);
    this.#numbering.acks.open(startSeq);
  }

  sendBegins(): void {
    this.#numbering.possible += 1;
  }

  sendRefused(): void {
    this.#numbering.possible -= 1;
    this.#refusedSends += 1;
  }

  sendAccepted(send: Send, event: Event): void {
    const numbering = this.#numbering;
    numbering.accepted += 1;
    if (numbering.base !== undefined) numbering.raise(numbering.base + numbering.accepted, "accepted", event);
    numbering.log.accepted(send);
  }

  mayBeExhausted(): boolean {
    return this.#numbering.svrCeiling >= MAX_SEQ;
  }

  lossBegins(): void {
    this.#mayChange = true;
  }

  lossEnds(now: number): void {
    this.#lostAt = now;
  }

  restartBegins(): void {
    this.#mayChange = true;
    this.#restarted = true;
  }

  restartEnds(): void {
    // From here on the state is one or the other, and stays so: the first answer tells.
  }

  syncCall(now: number, call: SyncCall, event: Event): SyncTicket {
    const numbering = this.#numbering;
    const ticket = { begun: now, numbering, svrFloor: numbering.svrFloor, ackFloor: numbering.acks.floor };
    numbering.acks.claim(call.cliSeq, this.#mayCount(call), event);
    this.#openSyncs.set(ticket, call);
    return ticket;
  }

  syncLost(ticket: SyncTicket): void {
    this.#openSyncs.delete(ticket); // it may have acked: its claim stays
  }

  syncRefused(ticket: SyncTicket, call: SyncCall, refusal: Refused, callEvent: Event, event: Event): void {
    this.#openSyncs.delete(ticket);
    const { numbering } = ticket;
    numbering.acks.unclaim(call.cliSeq, this.#mayCount(call));
    if (this.#mayChange || numbering !== this.#numbering) return; // either epoch may have been asked
    const breach = this.#breacher([callEvent, event]);
    const told = Reason[refusal.reason] ?? "";
    if (refusal.reason === Reason.EPOCH_MISMATCH) {
      if (call.epoch === "")
        breach("EPOCH-UNCHECKED", "a Sync without an epoch was refused for its epoch", "an answer", told);
      else if (call.epoch === numbering.epoch)
        breach("SYNC-ANSWER", "a Sync with the right epoch was refused for it", "an answer", told);
    } else if (refusal.reason === Reason.CLI_SEQ_AHEAD) {
      if (call.epoch !== "" && numbering.epoch !== undefined && call.epoch !== numbering.epoch) {
        breach("ERR-ORDER", "cli_seq was checked before the epoch that it belongs to", "EPOCH_MISMATCH", told);
      } else if (call.cliSeq <= ticket.svrFloor.seq) {
        const known = `${call.cliSeq} is not above svr_seq, which was at least ${ticket.svrFloor.seq}`;
        breach(
          call.cliSeq > numbering.log.highest ? "ACK-UNFETCHED" : "SYNC-ANSWER",
          "a Sync that is not ahead was refused as ahead",
          "an answer",
          `${told}, though ${known}`,
        );
      }
    } else return;
    const requirement = refusal.reason === Reason.EPOCH_MISMATCH ? "EPOCH-MISMATCH" : "ACK-AHEAD";
    if (numbering.epoch !== undefined && refusal.epoch !== numbering.epoch) {
      breach(requirement, "a refusal does not tell the current epoch", `"${numbering.epoch}"`, `"${refusal.epoch}"`);
    }
    if (refusal.svrSeq < ticket.svrFloor.seq || refusal.svrSeq > numbering.svrCeiling) {
      breach(
        requirement,
        "a refusal does not tell the current svr_seq",
        range(ticket.svrFloor.seq, numbering.svrCeiling),
        String(refusal.svrSeq),
      );
    }
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
    for (const breached of judgePage(call, answer, this.#around.maxPageSize())) {
      // A hole may be a seq that was burnt; which it is, the bounds below tell better.
      this.#around.report(evidence, breached);
    }
    const numbering = this.#enter(answer.epoch, ticket.begun, evidence);
    if (numbering === undefined) return;
    const since =
      numbering === ticket.numbering
        ? ticket
        : { svrFloor: { seq: 0, how: "start", event: undefined } as SvrFloor, ackFloor: 0 };
    this.#learnBase(numbering, answer, event);

    numbering.log.page(now, answer.messages, evidence);
    this.#judgeSvrSeq(numbering, since.svrFloor, answer.svrSeq, evidence, this.#blameFall(since.svrFloor));
    for (const { breached, proof } of numbering.acks.judge(call, answer, since.ackFloor)) {
      this.#around.report([...proof, ...evidence], this.#afterRestart(breached));
    }
    numbering.raise(answer.svrSeq, "answer", event);
    numbering.acks.raise(Math.max(answer.ackedSeq, call.cliSeq), answer, event);
  }

  watchCall(now: number): WatchTicket {
    return { begun: now, numbering: this.#numbering, svrFloor: this.#numbering.svrFloor, last: undefined };
  }

  watchFrame(_now: number, ticket: WatchTicket, frame: WatchFrame, callEvent: Event, event: Event): void {
    const evidence = [callEvent, event];
    const breach = this.#breacher(evidence);
    const epochBytes = Buffer.byteLength(frame.epoch);
    if (epochBytes < 1 || epochBytes > 64)
      breach("EPOCH-PRESENT", "a frame has no valid epoch", "an epoch of 1 to 64 bytes", `one of ${epochBytes} bytes`);
    if (ticket.last?.epoch === frame.epoch && frame.svrSeq < ticket.last.svrSeq) {
      breach("WATCH-MONOTONE", "a watch went back", `at least ${ticket.last.svrSeq}`, String(frame.svrSeq));
    }
    const first = ticket.last === undefined;
    ticket.last = frame;
    const numbering = this.#enter(frame.epoch, ticket.begun, evidence);
    if (numbering === undefined) return;
    if (first && numbering === ticket.numbering && frame.svrSeq < ticket.svrFloor.seq) {
      breach(
        "WATCH-FIRST",
        "the first frame is older than the watch",
        `at least ${ticket.svrFloor.seq}`,
        String(frame.svrSeq),
      );
    }
    if (frame.svrSeq > numbering.svrCeiling) {
      breach(
        "WATCH-PRIVATE",
        "a frame reports more than can have come to this inbox",
        `at most ${numbering.svrCeiling}`,
        String(frame.svrSeq),
      );
      return;
    }
    numbering.raise(frame.svrSeq, "frame", event);
  }

  finish(): void {
    this.#numbering.log.finish(this.#numbering.base, this.#numbering.svrFloor.seq);
  }

  /** Finds the numbering that an epoch names; undefined if the answer is of one that is over. */
  #enter(epoch: string, begun: number, evidence: readonly Event[]): Numbering | undefined {
    const numbering = this.#numbering;
    const overdue = this.#lostAt !== undefined && begun > this.#lostAt;
    if (numbering.epoch === undefined && !this.#mayChange) {
      this.#epochs.add(epoch);
      numbering.epoch = epoch;
      return numbering;
    }
    if (epoch === numbering.epoch) {
      if (overdue) {
        this.#breacher(evidence)(
          "EPOCH-RENEWED",
          "an inbox that lost its data has its old epoch",
          "a new epoch",
          `"${epoch}"`,
        );
        this.#mayChange = false;
        this.#lostAt = undefined;
      }
      return numbering;
    }
    if (!this.#mayChange) {
      if (this.#epochs.has(epoch) && begun <= (this.#lostAt ?? 0)) return undefined;
      this.#breacher(evidence)(
        "EPOCH-STABLE",
        "the epoch changed while the numbering went on",
        `"${numbering.epoch}"`,
        `"${epoch}"`,
      );
      return undefined;
    }
    if (this.#epochs.has(epoch)) {
      this.#breacher(evidence)(
        "EPOCH-RENEWED",
        "a new numbering has an epoch that was used before",
        "an epoch never used before",
        `"${epoch}"`,
      );
    }
    if (this.#restarted && this.#around.durable()) {
      this.#breacher(evidence)(
        "DUR-KEEP",
        "a durable server lost its epoch over a restart",
        `"${numbering.epoch}"`,
        `"${epoch}"`,
      );
    }
    return this.#renew(epoch);
  }

  /** The numbering starts again from nothing. What is still under way may land in it. */
  #renew(epoch: string): Numbering {
    const before = this.#numbering;
    before.log.finish(before.base, before.svrFloor.seq);
    // Without a look before the loss there is no old epoch to tell this one from.
    if (before.epoch !== undefined) this.#epochs.add(before.epoch);
    this.#epochs.add(epoch);
    const next = this.#newNumbering();
    next.epoch = epoch;
    next.base = 0;
    next.acks.open(0);
    next.possible = this.#around.sends.lose(this.#userId).length;
    for (const call of this.#openSyncs.values())
      if (call.epoch === "" || call.epoch === epoch) next.acks.claim(call.cliSeq, true, undefined);
    this.#numbering = next;
    this.#mayChange = false;
    this.#refusedSends = 0;
    return next;
  }

  #newNumbering(): Numbering {
    return new Numbering(
      new MessageLog(this.#userId, this.#around.sends, (evidence, breached) =>
        this.#around.report(evidence, this.#afterRestart(breached)),
      ),
    );
  }

  /** The first answer tells where an inbox with a past stands, if nothing of ours can be in it yet. */
  #learnBase(numbering: Numbering, answer: SyncReturn, event: Event): void {
    if (numbering.base !== undefined || numbering.possible > 0) return;
    numbering.base = answer.svrSeq;
    numbering.acks.open(answer.ackedSeq);
    numbering.raise(answer.svrSeq, "answer", event);
    numbering.log.past = answer.svrSeq;
  }

  #judgeSvrSeq(
    numbering: Numbering,
    floor: SvrFloor,
    svrSeq: number,
    evidence: readonly Event[],
    fall: RequirementId,
  ): void {
    if (svrSeq < floor.seq) {
      const proof = floor.event === undefined ? evidence : [floor.event, ...evidence];
      const why = {
        start: "where it began",
        answer: "an earlier answer",
        frame: "an earlier frame",
        accepted: "the messages accepted before",
      }[floor.how];
      this.#around.report(proof, {
        requirement: fall,
        message: `svr_seq is behind ${why}`,
        expected: `at least ${floor.seq}`,
        actual: String(svrSeq),
      });
    }
    if (svrSeq > numbering.svrCeiling) {
      const expected = `at most ${numbering.svrCeiling}: ${numbering.possible} messages can have come after ${numbering.base}`;
      const requirement = numbering.log.sawDouble ?? (this.#refusedSends > 0 ? "ERR-UNCHANGED" : "SEQ-CONSECUTIVE");
      this.#around.report(evidence, {
        requirement,
        message: "svr_seq is beyond what was sent: a seq was burnt, or a message made twice",
        expected,
        actual: String(svrSeq),
      });
      numbering.base = svrSeq - numbering.possible; // go on from what the server believes
    }
  }

  #blameFall({ how }: SvrFloor): RequirementId {
    if (this.#restarted) return this.#around.durable() ? "DUR-KEEP" : "DUR-NEW-EPOCH";
    return how === "frame" ? "WATCH-SYNC" : how === "accepted" ? "SEND-VISIBLE" : "SEQ-MONOTONE";
  }

  /** After a restart under the same epoch, whatever is missing is the restart's fault. */
  #afterRestart(breached: Breached): Breached {
    const lossy: RequirementId[] = [
      "SEND-VISIBLE",
      "ACK-NO-REDELIVERY",
      "ACK-IMPLICIT",
      "ACK-MONOTONE",
      "SEQ-IMMUTABLE",
      "SEND-RETRY",
    ];
    if (!this.#restarted || !lossy.includes(breached.requirement)) return breached;
    return { ...breached, requirement: this.#around.durable() ? "DUR-KEEP" : "DUR-NEW-EPOCH" };
  }

  /** Whether a Sync can have acked in this numbering at all. */
  #mayCount({ epoch }: SyncCall): boolean {
    return epoch === "" || this.#numbering.epoch === undefined || epoch === this.#numbering.epoch;
  }

  #breacher(evidence: readonly Event[]) {
    return (requirement: RequirementId, message: string, expected: string, actual: string) =>
      this.#around.report(evidence, { requirement, message, expected, actual });
  }
}

const range = (from: number, to: number) => (from === to ? String(from) : `from ${from} to ${to}`);
