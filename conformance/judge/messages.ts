import type { DeliveredMessage, Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { isPossible, retriedAfterAnswer, type Send, type Sends, samePayload } from "./sends.js";
import type { Snapshots } from "./snapshots.js";
import { timeText } from "./time.js";

/** What is known of a seq. */
interface Place {
  message: DeliveredMessage;
  /** The page that showed it first. */
  evidence: readonly Event[];
  /** What it was sent as; undefined for a message of the past. */
  send: Send | undefined;
}

type Report = (evidence: readonly Event[], breached: ViolationText) => void;

/** The messages of one numbering of one inbox, as pages have shown them. */
export class MessageLog {
  /** Messages up to here were there before the history began: nobody knows who sent them. */
  past = 0;
  /** Where it stood is not known, and more may be in it than was sent here. */
  hasPast = false;
  /** Highest seq that a page has shown. */
  highest = 0;
  /** Which requirement a message that came twice breaks, once there was one. */
  sawDouble: RequirementId | undefined;
  readonly #userId: string;
  readonly #sends: Sends;
  readonly #report: Report;
  readonly #places = new Map<number, Place>();
  readonly #accepted: Send[] = [];
  /** Seqs that a page has left out, and that page. */
  readonly #holes = new Map<number, readonly Event[]>();

  constructor(userId: string, sends: Sends, report: Report) {
    this.#userId = userId;
    this.#sends = sends;
    this.#report = report;
  }

  accepted(send: Send): void {
    this.#accepted.push(send);
  }

  page(ackedSeq: number, messages: readonly DeliveredMessage[], evidence: readonly Event[]): void {
    let next = ackedSeq + 1;
    for (const message of messages) {
      // Only near holes are looked into: a server that jumps by a billion has its finding already.
      for (; next < message.seq && this.#holes.size < 1000; next += 1) {
        if (!this.#places.has(next) && !this.#holes.has(next)) this.#holes.set(next, evidence);
      }
      next = message.seq + 1;
      const known = this.#places.get(message.seq);
      if (known === undefined) this.#place(message, evidence);
      else if (!sameMessage(known.message, message)) this.#changed(known, message, evidence);
    }
  }

  /** At the end: the order of the sends, and whether each accepted one was visible in time and has its place. */
  finish(base: number | undefined, snapshots: Snapshots): void {
    this.#judgeOrder(snapshots);
    if (base === undefined) return;
    let whole = base; // up to here every message is known
    while (this.#places.get(whole + 1)?.send !== undefined) whole += 1;
    const latest = snapshots.latestBelow()(whole + 1);
    const missing = this.#accepted.find(
      ({ seq, first }) => seq === undefined && first !== undefined && latest !== undefined && first.at < latest.begun,
    );
    if (missing === undefined || latest === undefined) return;
    const namesake = this.#sends.search(({ id, sender }) => id === missing.id && sender !== missing.sender);
    if (namesake !== undefined) {
      this.#report([namesake.call, missing.call, ...(missing.first ? [missing.first.event] : []), ...latest.evidence], {
        requirement: "SEND-ID-SCOPE",
        message: "an accepted message is nowhere; another sender's has its id",
        expected: `message ${missing.id} of ${missing.sender}, and that of ${namesake.sender}`,
        actual: "only one of them",
      });
    }
    this.#report([missing.call, ...(missing.first ? [missing.first.event] : []), ...latest.evidence], {
      requirement: "SEND-VISIBLE",
      message: "an accepted message is nowhere, though all seqs are known up to a later svr_seq",
      expected: `message ${missing.id} of ${missing.sender}`,
      actual: `seqs ${base + 1} to ${latest.svrSeq} hold other messages`,
    });
  }

  #place(message: DeliveredMessage, evidence: readonly Event[]): void {
    const hole = this.#holes.get(message.seq);
    if (hole !== undefined) {
      this.#holes.delete(message.seq);
      this.#report([...hole, ...evidence], {
        requirement: "SEQ-CONTIGUOUS",
        message: "a message was visible before the one with a lower seq",
        expected: `message ${message.seq} in the first page that goes beyond it`,
        actual: "it was left out there, and came later",
      });
    }
    const send = message.seq <= this.past ? undefined : this.#identify(message, evidence);
    this.#places.set(message.seq, { message, evidence, send });
    this.highest = Math.max(this.highest, message.seq);
    if (send === undefined) return;

    if (send.seq !== undefined) {
      if (send.mayRepeat) return;
      const first = this.#places.get(send.seq);
      this.sawDouble = retriedAfterAnswer(send) ? "SEND-RETRY" : "SEND-RETRY-CONCURRENT";
      this.#report([send.call, ...(first?.evidence ?? []), ...evidence], {
        requirement: this.sawDouble,
        message: "one message was made twice",
        expected: `message ${send.id} at seq ${send.seq} only`,
        actual: `it is at seq ${message.seq} as well`,
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
        message: "a message has no accepted_at",
        expected: "accepted_at",
        actual: "none",
      });
      return;
    }
    const told = timeText(message.acceptedAt);
    send.time ??= told;
    if (send.time !== told && !send.mayRepeat) {
      this.#report([send.call, ...(send.first ? [send.first.event] : []), ...evidence], {
        requirement: "SEND-ACCEPTED-AT",
        message: "a message is delivered with another accepted_at than Send answered",
        expected: send.time,
        actual: told,
      });
    }
  }

  /** Finds what a delivered message was sent as, or blames what does not fit. */
  #identify(message: DeliveredMessage, evidence: readonly Event[]): Send | undefined {
    const { senderId, clientMessageId, payload } = message;
    const here = this.#sends.sharing(senderId, clientMessageId).filter((send) => send.recipient === this.#userId);
    const exact = here.find((send) => samePayload(send.print, payload));
    if (exact !== undefined) {
      if (isPossible(exact)) return exact;
      this.#report([exact.call, ...evidence], {
        requirement: "ERR-UNCHANGED",
        message: "a message was delivered whose Send was refused",
        expected: "no such message",
        actual: `it is at seq ${message.seq}`,
      });
      return undefined;
    }
    if (this.hasPast) return undefined;
    const what = `seq ${message.seq}: ${clientMessageId} from ${senderId}, ${payload?.size ?? 0} bytes`;
    const blame = (requirement: RequirementId, text: string, expected: string, send?: Send) =>
      this.#report([...(send ? [send.call] : []), ...evidence], { requirement, message: text, expected, actual: what });
    const altered = here[0];
    const byOther = this.#sends.search(
      (send) => send.recipient === this.#userId && send.id === clientMessageId && samePayload(send.print, payload),
    );
    const elsewhere = this.#sends.sharing(senderId, clientMessageId)[0];
    const renamed = this.#sends.search(
      (send) =>
        send.recipient === this.#userId &&
        send.sender === senderId &&
        send.seq === undefined &&
        samePayload(send.print, payload),
    );
    if (altered !== undefined)
      blame(
        "SEND-BYTES",
        "a payload was changed on its way",
        `${altered.print?.size ?? 0} bytes as they were sent`,
        altered,
      );
    else if (byOther !== undefined)
      blame("AUTH-SENDER", "a message has another sender than the one who sent it", byOther.sender, byOther);
    else if (elsewhere !== undefined)
      blame(
        "AUTH-ISOLATION",
        "a message came to an inbox that it was not sent to",
        `it goes to ${elsewhere.recipient}`,
        elsewhere,
      );
    else if (renamed !== undefined)
      blame("SEND-BYTES", "a client_message_id was changed on its way", renamed.id, renamed);
    else blame("AUTH-ISOLATION", "a message came that nobody sent to this inbox", "only what was sent to it");
    return undefined;
  }

  #changed(known: Place, message: DeliveredMessage, evidence: readonly Event[]): void {
    const text = ({ clientMessageId, senderId, payload, acceptedAt }: DeliveredMessage) =>
      `${clientMessageId} from ${senderId}, ${payload?.size ?? 0} bytes, accepted at ${acceptedAt === undefined ? "no time" : timeText(acceptedAt)}`;
    this.#report([...known.evidence, ...evidence], {
      requirement: "SEQ-IMMUTABLE",
      message: `seq ${message.seq} names another message than before`,
      expected: text(known.message),
      actual: text(message),
    });
    // Under another seq it may be whole: then two messages have changed places.
    this.#identify(message, evidence);
  }

  /** One pass from the lowest seq on, over the messages whose sends are known. */
  #judgeOrder(snapshots: Snapshots): void {
    let latest: Send | undefined;
    const latestBelow = snapshots.latestBelow();
    for (const [seq, { send, evidence }] of [...this.#places].sort(([a], [b]) => a - b)) {
      if (send === undefined || send.seq !== seq || send.mayRepeat) continue;
      const { first } = send;
      const below = latestBelow(seq);
      if (first !== undefined && below !== undefined && below.begun > first.at) {
        this.#report([send.call, first.event, ...below.evidence], {
          requirement: "SEND-VISIBLE",
          message: "a Sync that began after a Send was answered does not reach its message",
          expected: `a svr_seq of at least ${seq}`,
          actual: String(below.svrSeq),
        });
      }
      // A Send that was accepted before another began has the lower seq.
      if (latest !== undefined && first !== undefined && first.at < latest.begun) {
        this.#report([send.call, first.event, latest.call, ...evidence], {
          requirement: "SEND-ORDER",
          message: "two sends that did not overlap changed their order",
          expected: `${send.id}, accepted before ${latest.id} began, before it`,
          actual: `${latest.id} at ${latest.seq}, ${send.id} at ${seq}`,
        });
        return;
      }
      if (send.ambiguousUntil === undefined && (latest === undefined || send.begun > latest.begun)) latest = send;
    }
  }
}

function sameMessage(a: DeliveredMessage, b: DeliveredMessage): boolean {
  return (
    a.senderId === b.senderId &&
    a.clientMessageId === b.clientMessageId &&
    samePayload(a.payload, b.payload) &&
    a.acceptedAt?.seconds === b.acceptedAt?.seconds &&
    a.acceptedAt?.nanos === b.acceptedAt?.nanos
  );
}
