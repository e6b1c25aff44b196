import type { Event, Refused } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { ViolationDetail } from "../findings.js";
import { payloadText } from "../history/payload-text.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { ClockSteps } from "./clock-steps.js";
import type { AckedState } from "./numbering.js";
import { SERVER_FAILURE_CODES } from "./rules.js";
import { type Acceptance, mayExist, type Send, type Sends } from "./sends.js";

/** The recipient's inbox, as far as it matters for the outcome of a Send. */
export interface RecipientInbox {
  /** Reports a violation, if necessary only once it is known that the inbox kept its numbering in a restart. */
  reportIfKept(evidence: readonly Event[], violation: ViolationDetail): void;
  /** Whether the inbox may have lost data at this time or later. */
  lostSince(at: number): boolean;
  /** Whether the inbox may have used its last seq. */
  mayBeExhausted(): boolean;
  /** Whether the inbox has accepted a message, and none can have been pending since the time of this state. */
  wasEmptySince(acked: AckedState): boolean;
}

/** An attempt to send that has an outcome. */
export interface Attempt {
  send: Send;
  /** The recipient's inbox; undefined if the history does not open the account. */
  inbox: RecipientInbox | undefined;
  call: Event;
  event: Event;
  /** When the attempt began. */
  begun: number;
  /** Lower bound of the recipient's ack when this attempt began; only for refused attempts. */
  ackedState?: AckedState | undefined;
}

/** What the judge of Sends needs from the rest of the judge. */
export interface SendContext {
  sends: Sends;
  /** The steps of the server's clock. */
  clock: ClockSteps;
  /** Whether an inbox may have lost data at this time or later. */
  lostSince: (recipient: string, at: number) => boolean;
  /** Counts a check that could have found a violation. */
  exercised: (requirement: RequirementId) => void;
  report: (userId: string, evidence: readonly Event[], violation: ViolationDetail) => void;
}

/** Judges the outcomes of Sends. The delivery of their messages is judged by the inboxes. */
export class SendJudge {
  /** The dedup window of the server in microseconds; 0 if unknown. */
  windowMicros = 0n;
  readonly #context: SendContext;

  constructor(context: SendContext) {
    this.#context = context;
  }

  /** Whether the first attempt is so old that the server may have dropped its dedup record. */
  isLate({ windowFromMicros }: Send, atMicros: bigint): boolean {
    return this.windowMicros > 0n && this.#context.clock.latest(atMicros) - windowFromMicros > this.windowMicros;
  }

  /**
   * Judges an accepted attempt. `isCurrent` is whether its `accepted_at` must be that of the message in the current
   * numbering, and not of a message that a data loss has removed.
   */
  accepted({ send, inbox, call, event, begun }: Attempt, { acceptedAt }: Acceptance, isCurrent: boolean): void {
    const { exercised } = this.#context;
    exercised("SEND-ACCEPTED-AT");
    if (acceptedAt === undefined) {
      this.#context.report(send.recipient, [call, event], {
        requirement: "SEND-ACCEPTED-AT",
        message: "the response to a Send has no accepted_at",
        expected: "accepted_at: a time",
        actual: "accepted_at: absent",
      });
    }
    if (send.attempts > 1) exercised(send.overlapped ? "SEND-RETRY-CONCURRENT" : "SEND-RETRY");
    const { acceptedAt: expected } = send;
    if (
      isCurrent &&
      acceptedAt !== undefined &&
      expected !== undefined &&
      expected !== acceptedAt &&
      !send.mayDuplicate
    )
      inbox?.reportIfKept([send.first?.event ?? send.call, call, event], {
        ...acceptedAtViolation(send, begun),
        expected: `accepted_at: ${expected}`,
        actual: `accepted_at: ${acceptedAt}`,
      });
    const sameId = this.#context.sends.withId(send.sender, send.id);
    // An attempt that was pending during a data loss may have been accepted before it, when the id was free.
    if (sameId.length > 1 && !this.#context.lostSince(send.recipient, begun))
      this.#judgeReuse(sameId, { send, inbox, call, event });
  }

  /** Reports an id that was accepted for two different messages: the server should have refused one of them. */
  #judgeReuse(sameId: readonly Send[], { send, inbox, call, event }: Omit<Attempt, "begun">): void {
    this.#context.exercised("SEND-ID-REUSED");
    const other = sameId.find(
      (it) =>
        it !== send &&
        it.first !== undefined &&
        !this.#context.lostSince(it.recipient, it.first.begun) &&
        !this.isLate(it, event.atMicros),
    );
    if (other?.first === undefined) return;
    inbox?.reportIfKept([other.call, other.first.event, call, event], {
      requirement: "SEND-ID-REUSED",
      message: "a client_message_id was accepted again with a different recipient or payload",
      expected: "a refusal with CLIENT_MESSAGE_ID_REUSED",
      actual: `the second Send, to ${send.recipient} with ${payloadText(send.fingerprint)}, was accepted; the first was to ${other.recipient} with ${payloadText(other.fingerprint)}`,
    });
  }

  /**
   * Judges a refused attempt. Reasons that depend on credentials and limits are not in a history, and are not judged.
   */
  refused({ send, inbox, call, event, begun, ackedState }: Attempt, refusal: Refused): void {
    const { sends } = this.#context;
    if (refusal.svrSeq !== 0 || refusal.epoch !== "") {
      this.#context.report(send.recipient, [call, event], {
        requirement: "SEND-SEQ-HIDDEN",
        message: "the refusal of a Send reveals the state of the recipient's inbox",
        expected: "an ErrorDetail without svr_seq and epoch",
        actual: `svr_seq ${refusal.svrSeq}, epoch "${refusal.epoch}"`,
      });
    }
    const wrong = (requirement: RequirementId, message: string) =>
      this.#context.report(send.recipient, [call, event], {
        requirement,
        message,
        expected: "acceptance of the Send",
        actual: `a refusal with ${refusal.code}${refusal.reason === Reason.UNSPECIFIED ? "" : ` ${Reason[refusal.reason]}`} (HTTP ${refusal.httpStatus})`,
      });
    const { first } = send;
    const mayBeLost = first !== undefined && this.#context.lostSince(send.recipient, first.begun);
    const isStored = first !== undefined && !mayBeLost && send.ambiguousUntil === undefined && !send.mayDuplicate;
    switch (refusal.reason) {
      case Reason.RECIPIENT_UNKNOWN:
        if (inbox !== undefined) wrong("SEND-ACCEPT", "a Send to an existing account was refused as unknown");
        break;
      case Reason.SEQ_EXHAUSTED:
        if (isStored) wrong("SEND-RETRY-FIRST", "the retry of an accepted Send was refused with SEQ_EXHAUSTED");
        // Before a data loss that happened in the meantime, the numbering may have been exhausted.
        else if (inbox !== undefined && !inbox.lostSince(begun) && !inbox.mayBeExhausted())
          wrong("SEND-ACCEPT", "a Send was refused with SEQ_EXHAUSTED although the inbox has seqs left");
        break;
      case Reason.BACKLOG_FULL:
        if (isStored) wrong("SEND-RETRY-FIRST", "the retry of an accepted Send was refused with BACKLOG_FULL");
        else if (inbox !== undefined && ackedState !== undefined && inbox.wasEmptySince(ackedState))
          wrong("SEND-ACCEPT", "a Send was refused with BACKLOG_FULL although all messages had been acked");
        break;
      case Reason.CLIENT_MESSAGE_ID_REUSED: {
        const rivals = sends.withId(send.sender, send.id).filter((it) => it !== send);
        // After a data loss the server may keep the id or release it (ruling R25).
        if (rivals.some(mayExist) || sends.wasLost(send.sender, send.id)) break;
        // An attempt that is pending or indeterminate counts too: it may have stored this message.
        if (mayExist(send))
          wrong(
            send.mayDuplicate ? "SEND-ACCEPT" : retryRequirement(send, begun),
            "an exact retry of a Send was refused as if it were a different message with the same id",
          );
        else if (rivals.length > 0 || send.attempts > 1)
          wrong("SEND-ID-FREE", "a client_message_id that only refused Sends have used was refused as used");
        else if (sends.search((it) => it.id === send.id && it.sender !== send.sender) !== undefined) {
          wrong("SEND-ID-SCOPE", "a client_message_id was refused as used, although only another sender has used it");
        } else wrong("SEND-ACCEPT", "a client_message_id that was never used was refused as used");
        break;
      }
      default:
        if (SERVER_FAILURE_CODES.includes(refusal.code))
          wrong("SEND-ACCEPT", `a well-formed Send failed with ${refusal.code}`);
        break;
    }
  }
}

/** Returns the violation of an attempt that began at `begun`, if its `accepted_at` differs from that of the message. */
function acceptedAtViolation(send: Send, begun: number): Pick<ViolationDetail, "requirement" | "message"> {
  if (send.attempts === 1) {
    const message = "the accepted_at in the response to a Send differs from that of the delivered message";
    return { requirement: "SEND-ACCEPTED-AT", message };
  }
  return {
    requirement: retryRequirement(send, begun),
    message: "the accepted_at in the response to a retry differs from that of the message",
  };
}

/**
 * Returns the requirement that a wrong outcome of a retry violates: SEND-RETRY if the retry began after another attempt
 * had ended, otherwise SEND-RETRY-CONCURRENT.
 */
function retryRequirement({ overlapped, first }: Send, begun: number): "SEND-RETRY" | "SEND-RETRY-CONCURRENT" {
  const afterAnother = !overlapped || (first !== undefined && begun > first.at);
  return afterAnother ? "SEND-RETRY" : "SEND-RETRY-CONCURRENT";
}
