import type { Event, Refused } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { RequirementId } from "../registry/requirements.js";
import type { InboxJudge } from "./inbox.js";
import { type Acceptance, isPossible, type Send, type Sends } from "./sends.js";

/** What judging an outcome of a Send needs. */
export interface SendScene {
  sends: Sends;
  send: Send;
  /** The recipient's; undefined if nobody said that there is one. */
  inbox: InboxJudge | undefined;
  /** Whether an inbox may have lost what was accepted into it at this time. */
  lostSince: (recipient: string, at: number) => boolean;
  call: Event;
  event: Event;
  /** How long a Send is recognised when it is repeated, in microseconds; 0 if unknown. */
  windowMicros: bigint;
  applies: (requirement: RequirementId) => void;
  report: (evidence: readonly Event[], requirement: RequirementId, text: [string, string, string]) => void;
}

/** Judges an accepted attempt. */
export function judgeAccepted(scene: SendScene, acceptance: Acceptance): void {
  const { send, sends, inbox, lostSince, call, event, windowMicros, applies, report } = scene;
  const { time, begun } = acceptance;
  const evidence = [call, event];
  applies("SEND-ACCEPTED-AT");
  if (time === undefined) {
    report(evidence, "SEND-ACCEPTED-AT", ["an accepted Send has no accepted_at", "accepted_at", "none"]);
  }
  if (send.attempts > 1) applies(send.overlapped ? "SEND-RETRY-CONCURRENT" : "SEND-RETRY");
  if (time !== undefined && send.time !== undefined && send.time !== time && !send.mayRepeat) {
    inbox?.reportIfKept([send.first?.event ?? send.call, ...evidence], {
      requirement: send.first !== undefined && begun > send.first.at ? "SEND-RETRY" : "SEND-RETRY-CONCURRENT",
      message: "a repeated Send was answered with another accepted_at",
      expected: send.time,
      actual: time,
    });
  }
  const rivals = sends.sharing(send.sender, send.id).filter((it) => it !== send);
  if (rivals.length > 0) applies("SEND-ID-REUSED");
  const other = rivals.find(
    (it) =>
      it.first !== undefined &&
      it.first.at < begun &&
      !lostSince(it.recipient, it.first.at) &&
      !isLate(it, event.atMicros, windowMicros),
  );
  if (other === undefined) return;
  inbox?.reportIfKept([other.call, ...(other.first ? [other.first.event] : []), ...evidence], {
    requirement: "SEND-ID-REUSED",
    message: "a client_message_id was accepted again for another recipient or payload",
    expected: "a refusal with CLIENT_MESSAGE_ID_REUSED",
    actual: "it was accepted",
  });
}

/** Judges a refused attempt. Most reasons depend on credentials and limits, which a history does not hold. */
export function judgeRefused({ sends, send, inbox, call, event, report }: SendScene, refusal: Refused): void {
  const wrong = (requirement: RequirementId, message: string) =>
    report([call, event], requirement, [message, "it is accepted", `${refusal.code} ${Reason[refusal.reason]}`]);
  const known = send.first !== undefined && send.straddles === undefined;
  switch (refusal.reason) {
    case Reason.RECIPIENT_UNKNOWN:
      if (inbox !== undefined) wrong("SEND-ACCEPT", "a Send to an account that exists was refused as unknown");
      break;
    case Reason.SEQ_EXHAUSTED:
      if (known) wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
      else if (inbox !== undefined && !inbox.mayBeExhausted())
        wrong("SEND-ACCEPT", "a Send was refused as if the inbox had no seq left");
      break;
    case Reason.BACKLOG_FULL:
      if (known) wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
      break;
    case Reason.CLIENT_MESSAGE_ID_REUSED: {
      const rivals = sends.sharing(send.sender, send.id).filter((it) => it !== send);
      if (rivals.some(isPossible)) break;
      if (send.first !== undefined) wrong("SEND-RETRY", "a repeated Send was refused as if it were another");
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

/** Codes by which a server owns up to a fault of its own (ruling R20). */
export const FAILURES: readonly string[] = ["internal", "unknown", "data_loss"];

/** Whether a message was first sent so long ago that the server may have forgotten it. */
export function isLate({ call }: Send, atMicros: bigint, windowMicros: bigint): boolean {
  return windowMicros > 0n && atMicros - call.atMicros > windowMicros;
}
