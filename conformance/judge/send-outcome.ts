import type { Event, Refused } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { AckedState } from "./numbering.js";
import { FAILURES } from "./rules.js";
import { type Acceptance, isPossible, type Send, type Sends } from "./sends.js";

/** What judging the outcome of a Send needs of the recipient's inbox. */
export interface RecipientInbox {
  /** Reports at once, or once it is known that the inbox has kept its numbering over a restart. */
  reportIfKept(evidence: readonly Event[], breached: ViolationText): void;
  /** Whether the inbox may have lost data at this time or later. */
  lostSince(at: number): boolean;
  mayBeExhausted(): boolean;
  wasEmptySince(emptied: AckedState): boolean;
}

/** An attempt to send that has its outcome. */
export interface Attempt {
  send: Send;
  /** The recipient's; undefined if nobody said that there is one. */
  inbox: RecipientInbox | undefined;
  call: Event;
  event: Event;
  /** When it began. */
  begun: number;
  /** What was surely acked in the recipient's inbox when it began, if it was refused and that is known. */
  ackedState?: AckedState | undefined;
}

/** What judging Sends needs of the whole. */
export interface SendContext {
  sends: Sends;
  /** Whether an inbox may have lost what was accepted into it at this time. */
  lostSince: (recipient: string, at: number) => boolean;
  exercised: (requirement: RequirementId) => void;
  report: (userId: string, evidence: readonly Event[], breached: ViolationText) => void;
}

/** Judges the outcomes of Sends. What becomes of the messages, the inboxes see. */
export class SendJudge {
  /** How long a Send is recognised when it is repeated, in microseconds; 0 if unknown. */
  windowMicros = 0n;
  readonly #context: SendContext;

  constructor(around: SendContext) {
    this.#context = around;
  }

  /** Whether a message was first sent so long ago that the server may have forgotten it. */
  isLate({ call }: Send, atMicros: bigint): boolean {
    return this.windowMicros > 0n && atMicros - call.atMicros > this.windowMicros;
  }

  /** `isTime`: its accepted_at is that of the message that is in the inbox now, and of none that a loss has taken. */
  accepted({ send, inbox, call, event, begun }: Attempt, { time }: Acceptance, isTime: boolean): void {
    const { exercised: applies } = this.#context;
    applies("SEND-ACCEPTED-AT");
    if (time === undefined) {
      this.#context.report(send.recipient, [call, event], {
        requirement: "SEND-ACCEPTED-AT",
        message: "an accepted Send has no accepted_at",
        expected: "accepted_at",
        actual: "none",
      });
    }
    if (send.attempts > 1) applies(send.overlapped ? "SEND-RETRY-CONCURRENT" : "SEND-RETRY");
    if (isTime && time !== undefined && send.time !== undefined && send.time !== time && !send.mayRepeat) {
      inbox?.reportIfKept([send.first?.event ?? send.call, call, event], {
        ...blameForTime(send, begun),
        expected: send.time,
        actual: time,
      });
    }
    const variants = this.#context.sends.sharing(send.sender, send.id);
    // What was under way during a loss may have been accepted before it, when the id was free.
    if (variants.length > 1 && !this.#context.lostSince(send.recipient, begun))
      this.#reused(variants, { send, inbox, call, event });
  }

  /** The id was accepted for something else: before, or at the same time; one of the two had to be refused. */
  #reused(variants: readonly Send[], { send, inbox, call, event }: Omit<Attempt, "begun">): void {
    this.#context.exercised("SEND-ID-REUSED");
    const other = variants.find(
      (it) =>
        it !== send &&
        it.first !== undefined &&
        !this.#context.lostSince(it.recipient, it.first.begun) &&
        !this.isLate(it, event.atMicros),
    );
    if (other?.first === undefined) return;
    inbox?.reportIfKept([other.call, other.first.event, call, event], {
      requirement: "SEND-ID-REUSED",
      message: "a client_message_id was accepted again for another recipient or payload",
      expected: "a refusal with CLIENT_MESSAGE_ID_REUSED",
      actual: "it was accepted",
    });
  }

  /** Most reasons depend on credentials and limits, which a history does not hold. */
  refused({ send, inbox, call, event, begun, ackedState: emptied }: Attempt, refusal: Refused): void {
    const { sends } = this.#context;
    if (refusal.svrSeq !== 0 || refusal.epoch !== "") {
      this.#context.report(send.recipient, [call, event], {
        requirement: "SEND-SEQ-HIDDEN",
        message: "the refusal of a Send tells the state of the recipient's inbox",
        expected: "an ErrorDetail without svr_seq and epoch",
        actual: `svr_seq ${refusal.svrSeq}, epoch "${refusal.epoch}"`,
      });
    }
    const wrong = (requirement: RequirementId, message: string) =>
      this.#context.report(send.recipient, [call, event], {
        requirement,
        message,
        expected: "it is accepted",
        actual: `${refusal.code} ${Reason[refusal.reason]}`,
      });
    const { first } = send;
    const mayBeLost = first !== undefined && this.#context.lostSince(send.recipient, first.begun);
    const known = first !== undefined && !mayBeLost && send.ambiguousUntil === undefined && !send.mayRepeat;
    switch (refusal.reason) {
      case Reason.RECIPIENT_UNKNOWN:
        if (inbox !== undefined) wrong("SEND-ACCEPT", "a Send to an account that exists was refused as unknown");
        break;
      case Reason.SEQ_EXHAUSTED:
        if (known) wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
        // Before a loss that came meanwhile, the inbox stood elsewhere.
        else if (inbox !== undefined && !inbox.lostSince(begun) && !inbox.mayBeExhausted())
          wrong("SEND-ACCEPT", "a Send was refused as if the inbox had no seq left");
        break;
      case Reason.BACKLOG_FULL:
        if (known) wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
        else if (inbox !== undefined && emptied !== undefined && inbox.wasEmptySince(emptied))
          wrong("SEND-ACCEPT", "a Send was refused as if the inbox were full, though all in it was acked before");
        break;
      case Reason.CLIENT_MESSAGE_ID_REUSED: {
        const rivals = sends.sharing(send.sender, send.id).filter((it) => it !== send);
        // After a loss it is the server's choice whether the id is still held (ruling R25).
        if (rivals.some(isPossible) || sends.wasLost(send.sender, send.id)) break;
        // Also one whose other attempt has no answer yet, or has lost it: it may be the one that has used the id.
        if (isPossible(send))
          wrong(
            send.mayRepeat ? "SEND-ACCEPT" : brokenByRepetition(send, begun),
            "a repeated Send was refused as if it were another",
          );
        else if (rivals.length > 0 || send.attempts > 1)
          wrong("SEND-ID-FREE", "an id that was only used in refused Sends was refused as used");
        else if (sends.search((it) => it.id === send.id && it.sender !== send.sender) !== undefined) {
          wrong("SEND-ID-SCOPE", "an id was refused because another sender used it");
        } else wrong("SEND-ACCEPT", "an id that was never used was refused as used");
        break;
      }
      default:
        if (FAILURES.includes(refusal.code)) wrong("SEND-ACCEPT", "the server failed at a Send");
        break;
    }
  }
}

/** Who is to blame if an attempt that began then is answered with another time than the message was told to have. */
function blameForTime(send: Send, begun: number): Pick<ViolationText, "requirement" | "message"> {
  if (send.attempts === 1) {
    const message = "a Send was answered with another accepted_at than its message was delivered with";
    return { requirement: "SEND-ACCEPTED-AT", message };
  }
  return {
    requirement: brokenByRepetition(send, begun),
    message: "a repeated Send was answered with another accepted_at",
  };
}

/** What is broken where a repetition that began then is not recognised: it came after the others, or together with them. */
function brokenByRepetition({ overlapped, first }: Send, begun: number): "SEND-RETRY" | "SEND-RETRY-CONCURRENT" {
  const afterAnother = !overlapped || (first !== undefined && begun > first.at);
  return afterAnother ? "SEND-RETRY" : "SEND-RETRY-CONCURRENT";
}
