import type { DeliveredMessage, Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
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
        message: "an accepted message is missing, and another sender's message has its id",
        expected: `message ${missing.id} of ${missing.sender}, and message ${sameId.id} of ${sameId.sender}`,
        actual: "only one of them",
      });
    }
    this.#report([missing.call, ...(missing.first ? [missing.first.event] : []), ...latest.evidence], {
      requirement: "SEND-VISIBLE",
      message: "an accepted message is missing, although all seqs up to a later svr_seq are known",
      expected: `message ${missing.id} of ${missing.sender} after seq ${base}`,
      actual: `only other messages up to svr_seq ${latest.svrSeq}`,
    });
  }

  #add(message: DeliveredMessage, evidence: readonly Event[]): void {
    const gap = this.#gaps.get(message.seq);
    if (gap !== undefined) {
      this.#gaps.delete(message.seq);
      this.#report([...gap, ...evidence], {
        requirement: "SEQ-CONTIGUOUS",
        message: "a message was delivered before one with a lower seq",
        expected: `message ${message.seq} in the first page that extends beyond it`,
        actual: "an earlier page skipped it",
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
        message: "a message was stored twice",
        expected: `message ${send.id} only at seq ${send.seq}`,
        actual: `message ${send.id} also at seq ${message.seq}`,
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
        expected: "accepted_at",
        actual: "none",
      });
      return;
    }
    const delivered = timeText(message.acceptedAt);
    send.acceptedAt ??= delivered;
    if (send.acceptedAt !== delivered && !send.mayDuplicate) {
      this.#report([send.call, ...(send.first ? [send.first.event] : []), ...evidence], {
        requirement: "SEND-ACCEPTED-AT",
        message: "the accepted_at of a delivered message differs from that in the response to its Send",
        expected: send.acceptedAt,
        actual: delivered,
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
        expected: "no such message",
        actual: `message ${exact.id} at seq ${message.seq}`,
      });
      return undefined;
    }
    if (!this.pastUnknown) this.#judgeForeign(message, here[0], evidence);
    return undefined;
  }

  /** Reports a message that matches no Send to this inbox, under the requirement of the Send that it resembles most. */
  #judgeForeign(message: DeliveredMessage, altered: Send | undefined, evidence: readonly Event[]): void {
    const { senderId, clientMessageId, payload } = message;
    const actual = `seq ${message.seq}: ${clientMessageId} from ${senderId}, ${payload?.size ?? 0} bytes`;
    const blame = (requirement: RequirementId, text: string, expected: string, send?: Send) =>
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
    if (altered !== undefined)
      blame(
        "SEND-BYTES",
        "the payload of a delivered message differs from the payload that was sent",
        `${altered.fingerprint?.size ?? 0} bytes as they were sent`,
        altered,
      );
    else if (byOther !== undefined)
      blame("AUTH-SENDER", "a delivered message has the wrong sender", `sender ${byOther.sender}`, byOther);
    else if (elsewhere !== undefined)
      blame(
        "AUTH-ISOLATION",
        "a message was delivered to an inbox other than that of its recipient",
        `recipient ${elsewhere.recipient}`,
        elsewhere,
      );
    else if (renamed !== undefined)
      blame(
        "SEND-BYTES",
        "the client_message_id of a delivered message differs from the one that was sent",
        renamed.id,
        renamed,
      );
    else blame("AUTH-ISOLATION", "a delivered message was not sent to this inbox", "only messages to this inbox");
  }

  #changed(known: Entry, message: DeliveredMessage, evidence: readonly Event[]): void {
    const text = ({ clientMessageId, senderId, payload, acceptedAt }: DeliveredMessage) =>
      `${clientMessageId} from ${senderId}, ${payload?.size ?? 0} bytes, accepted at ${acceptedAt === undefined ? "no time" : timeText(acceptedAt)}`;
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
          message: "the svr_seq of a Sync does not cover a message that was accepted before the Sync began",
          expected: `a svr_seq of at least ${seq}`,
          actual: String(below.svrSeq),
        });
      }
      // A Send that was accepted before another began has the lower seq.
      if (latest !== undefined && first !== undefined && first.at < latest.begun) {
        this.#report([send.call, first.event, latest.call, ...evidence], {
          requirement: "SEND-ORDER",
          message: "two Sends that did not overlap are out of order",
          expected: `${send.id}, which was accepted before ${latest.id} began, has the lower seq`,
          actual: `${latest.id} at ${latest.seq}, ${send.id} at ${seq}`,
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
