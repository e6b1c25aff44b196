import type { DeliveredMessage, Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import { payloadDifference, payloadText } from "../history/payload-text.js";
import type { RequirementId } from "../requirements/requirements.js";
import { mayExist, retriedSequentially, type Send, type Sends, samePayload } from "./sends.js";
import type { Snapshots } from "./snapshots.js";

/** A message that pages have shown at a seq. */
interface Entry {
  message: DeliveredMessage;
  /** The page that showed it first. */
  evidence: readonly Event[];
  /** The Send that created it; undefined for a message from before the history. */
  send: Send | undefined;
}

type Report = (evidence: readonly Event[], violation: ViolationDetail) => void;

/** The messages of one numbering of one inbox, as pages have shown them. */
export class MessageLog {
  /** Messages up to this seq are from before the history began: their Sends are unknown. */
  pastEnd = 0;
  /** Whether the inbox may hold an unknown number of messages from before the history began. */
  pastUnknown = false;
  /** Highest seq in a page. */
  highest = 0;
  /** The requirement that a duplicate message violates, once there was one. */
  duplicateRequirement: RequirementId | undefined;
  readonly #userId: string;
  readonly #sends: Sends;
  readonly #report: Report;
  readonly #entries = new Map<number, Entry>();
  readonly #accepted: Send[] = [];
  /** Seqs that a page skipped, and the page. */
  readonly #gaps = new Map<number, readonly Event[]>();

  constructor(userId: string, sends: Sends, report: Report) {
    this.#userId = userId;
    this.#sends = sends;
    this.#report = report;
  }

  /** Adds a message that must be in the inbox. */
  accepted(send: Send): void {
    this.#accepted.push(send);
  }

  /** Judges the messages of a page. */
  page(ackedSeq: number, messages: readonly DeliveredMessage[], evidence: readonly Event[]): void {
    let next = ackedSeq + 1;
    for (const message of messages) {
      // Bounded: a server that skips a billion seqs has its finding from the page alone.
      for (; next < message.seq && this.#gaps.size < 1000; next += 1) {
        if (!this.#entries.has(next) && !this.#gaps.has(next)) this.#gaps.set(next, evidence);
      }
      next = message.seq + 1;
      const known = this.#entries.get(message.seq);
      if (known === undefined) this.#add(message, evidence);
      else if (!sameMessage(known.message, message)) this.#changed(known, message, evidence);
    }
  }

  /**
   * Judges, at the end, the order of the Sends, and whether each accepted message was visible in time and has a seq.
   */
  finish(base: number | undefined, snapshots: Snapshots): void {
    this.#judgeOrder(snapshots);
    if (base === undefined) return;
    let knownUpTo = base; // every message up to here is known
    while (this.#entries.get(knownUpTo + 1)?.send !== undefined) knownUpTo += 1;
    const latest = snapshots.latestBelow()(knownUpTo + 1);
    const missing = this.#accepted.find(
      ({ seq, first }) => seq === undefined && first !== undefined && latest !== undefined && first.at < latest.begun,
    );
    if (missing === undefined || latest === undefined) return;
    const sameId = this.#sends.search(({ id, sender }) => id === missing.id && sender !== missing.sender);
    if (sameId !== undefined) {
      this.#report([sameId.call, missing.call, ...(missing.first ? [missing.first.event] : []), ...latest.evidence], {
        requirement: "SEND-ID-SCOPE",
        message: "of two messages with the same client_message_id from different senders, one is missing",
        expected: `messages: ${missing.id} from ${missing.sender}, and ${sameId.id} from ${sameId.sender}`,
        actual: `messages: ${sameId.id} from ${sameId.sender} only`,
      });
    }
    this.#report([missing.call, ...(missing.first ? [missing.first.event] : []), ...latest.evidence], {
      requirement: "SEND-VISIBLE",
      message: "a message that was accepted is not in the inbox, although a Sync that began later reports its svr_seq",
      expected: `message ${missing.id} from ${missing.sender}, with a seq above ${base}`,
      actual: `svr_seq: ${latest.svrSeq}; none of the messages up to it is that one`,
    });
  }

  #add(message: DeliveredMessage, evidence: readonly Event[]): void {
    const gap = this.#gaps.get(message.seq);
    if (gap !== undefined) {
      this.#gaps.delete(message.seq);
      this.#report([...gap, ...evidence], {
        requirement: "SEQ-CONTIGUOUS",
        message: `message ${message.seq} appeared only after a page that had skipped its seq`,
        expected: `message ${message.seq} in the first page that extends beyond it`,
        actual: `an earlier page without message ${message.seq}`,
      });
    }
    const send = message.seq <= this.pastEnd ? undefined : this.#identify(message, evidence);
    this.#entries.set(message.seq, { message, evidence, send });
    this.highest = Math.max(this.highest, message.seq);
    if (send === undefined) return;

    if (send.seq !== undefined) {
      if (send.mayDuplicate) return;
      const first = this.#entries.get(send.seq);
      this.duplicateRequirement = retriedSequentially(send) ? "SEND-RETRY" : "SEND-RETRY-CONCURRENT";
      this.#report([send.call, ...(first?.evidence ?? []), ...evidence], {
        requirement: this.duplicateRequirement,
        message: "a message that was sent again with the same client_message_id is in the inbox twice",
        expected: `seq of message ${send.id}: ${send.seq} only`,
        actual: `seq of message ${send.id}: ${send.seq} and ${message.seq}`,
      });
      return;
    }
    send.seq = message.seq;
    this.#judgeTime(send, message, evidence);
  }

  #judgeTime(send: Send, message: DeliveredMessage, evidence: readonly Event[]): void {
    if (message.acceptedAt === undefined) {
      this.#report(evidence, {
        requirement: "SEND-ACCEPTED-AT",
        message: "a delivered message has no accepted_at",
        expected: `accepted_at of message ${message.seq}: a time`,
        actual: `accepted_at of message ${message.seq}: absent`,
      });
      return;
    }
    const delivered = timeText(message.acceptedAt);
    send.acceptedAt ??= delivered;
    if (send.acceptedAt !== delivered && !send.mayDuplicate) {
      this.#report([send.call, ...(send.first ? [send.first.event] : []), ...evidence], {
        requirement: "SEND-ACCEPTED-AT",
        message: "the accepted_at of a delivered message differs from that in the response to its Send",
        expected: `accepted_at: ${send.acceptedAt}`,
        actual: `accepted_at: ${delivered}`,
      });
    }
  }

  /** Finds the Send of a delivered message, or reports why there is none. */
  #identify(message: DeliveredMessage, evidence: readonly Event[]): Send | undefined {
    const { senderId, clientMessageId, payload } = message;
    const here = this.#sends.withId(senderId, clientMessageId).filter((send) => send.recipient === this.#userId);
    const exact = here.find((send) => samePayload(send.fingerprint, payload));
    if (exact !== undefined) {
      if (mayExist(exact)) return exact;
      this.#report([exact.call, ...evidence], {
        requirement: "ERR-UNCHANGED",
        message: "a message was delivered although its Send was refused",
        expected: `message ${exact.id}: in no page`,
        actual: `message ${exact.id}: at seq ${message.seq}`,
      });
      return undefined;
    }
    if (!this.pastUnknown) this.#judgeForeign(message, here[0], evidence);
    return undefined;
  }

  /** Reports a message that matches no Send to this inbox, under the requirement of the Send that it resembles most. */
  #judgeForeign(message: DeliveredMessage, altered: Send | undefined, evidence: readonly Event[]): void {
    const { senderId, clientMessageId, payload } = message;
    const delivered = `message ${clientMessageId} from ${senderId}, ${payloadText(payload)}, at seq ${message.seq}`;
    const blame = (requirement: RequirementId, text: string, expected: string, send?: Send, actual = delivered) =>
      this.#report([...(send ? [send.call] : []), ...evidence], { requirement, message: text, expected, actual });
    const byOther = this.#sends.search(
      (send) =>
        send.recipient === this.#userId && send.id === clientMessageId && samePayload(send.fingerprint, payload),
    );
    const elsewhere = this.#sends.withId(senderId, clientMessageId)[0];
    const renamed = this.#sends.search(
      (send) =>
        send.recipient === this.#userId &&
        send.sender === senderId &&
        send.seq === undefined &&
        samePayload(send.fingerprint, payload),
    );
    const [sentPayload, deliveredPayload] = payloadDifference(altered?.fingerprint, payload);
    if (altered !== undefined)
      blame(
        "SEND-BYTES",
        "the payload of a delivered message differs from the payload that was sent",
        `payload: ${sentPayload}`,
        altered,
        `payload: ${deliveredPayload}`,
      );
    else if (byOther !== undefined)
      blame(
        "AUTH-SENDER",
        "a delivered message has the wrong sender_id",
        `sender_id: ${byOther.sender}`,
        byOther,
        `sender_id: ${senderId}`,
      );
    else if (elsewhere !== undefined)
      blame(
        "AUTH-ISOLATION",
        "a message was delivered to an inbox other than that of its recipient",
        `inbox: that of ${elsewhere.recipient}, the recipient`,
        elsewhere,
        `inbox: that of ${this.#userId}, at seq ${message.seq}`,
      );
    else if (renamed !== undefined)
      blame(
        "SEND-BYTES",
        "the client_message_id of a delivered message differs from the one that was sent",
        `client_message_id: ${renamed.id}`,
        renamed,
        `client_message_id: ${clientMessageId}`,
      );
    else
      blame(
        "AUTH-ISOLATION",
        "a message was delivered that nobody sent to this inbox",
        "only messages that were sent to it",
      );
  }

  #changed(known: Entry, message: DeliveredMessage, evidence: readonly Event[]): void {
    const text = ({ clientMessageId, senderId, payload, acceptedAt }: DeliveredMessage) =>
      `message ${clientMessageId} from ${senderId}, ${payloadText(payload)}, accepted_at ${acceptedAt === undefined ? "absent" : timeText(acceptedAt)}`;
    this.#report([...known.evidence, ...evidence], {
      requirement: "SEQ-IMMUTABLE",
      message: `seq ${message.seq} was delivered again with a different message`,
      expected: text(known.message),
      actual: text(message),
    });
    // Also report a message that was altered, and not only moved to another seq.
    this.#identify(message, evidence);
  }

  /** Judges order and visibility in one pass over the messages whose Sends are known, from the lowest seq. */
  #judgeOrder(snapshots: Snapshots): void {
    let latest: Send | undefined;
    const latestBelow = snapshots.latestBelow();
    for (const [seq, { send, evidence }] of [...this.#entries].sort(([a], [b]) => a - b)) {
      if (send === undefined || send.seq !== seq || send.mayDuplicate) continue;
      const { first } = send;
      const below = latestBelow(seq);
      if (first !== undefined && below !== undefined && below.begun > first.at) {
        this.#report([send.call, first.event, ...below.evidence], {
          requirement: "SEND-VISIBLE",
          message: "the svr_seq of a Sync does not count a message that was accepted before the Sync began",
          expected: `svr_seq: at least ${seq}, the seq of that message`,
          actual: `svr_seq: ${below.svrSeq}`,
        });
      }
      // A Send that was accepted before another began has the lower seq.
      if (latest !== undefined && first !== undefined && first.at < latest.begun) {
        this.#report([send.call, first.event, latest.call, ...evidence], {
          requirement: "SEND-ORDER",
          message: "a Send that began after another one was accepted got the lower seq",
          expected: `seq of ${send.id}: lower than that of ${latest.id}, which was sent later`,
          actual: `seq of ${send.id}: ${seq}; seq of ${latest.id}: ${latest.seq}`,
        });
        return;
      }
      if (send.ambiguousUntil === undefined && (latest === undefined || send.begun > latest.begun)) latest = send;
    }
  }
}

/** An instant as text, in seconds with nine decimals. */
export const timeText = ({ seconds, nanos }: { seconds: bigint; nanos: number }) =>
  `${seconds}.${String(nanos).padStart(9, "0")}`;

function sameMessage(a: DeliveredMessage, b: DeliveredMessage): boolean {
  return (
    a.senderId === b.senderId &&
    a.clientMessageId === b.clientMessageId &&
    samePayload(a.payload, b.payload) &&
    a.acceptedAt?.seconds === b.acceptedAt?.seconds &&
    a.acceptedAt?.nanos === b.acceptedAt?.nanos
  );
}
