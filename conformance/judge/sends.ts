import type { Event, PayloadFingerprint } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { fingerprintKey } from "../history/fingerprint.js";

/** An attempt to send that was accepted. */
export interface Acceptance {
  /** When the attempt began. */
  begun: number;
  /** When its response came. */
  at: number;
  event: Event;
  /** `accepted_at` as text; undefined if the response had none. */
  acceptedAt: string | undefined;
}

/**
 * One message of one sender: one recipient, one payload, one id. All attempts to send it may together create one
 * message only.
 */
export interface Send {
  readonly sender: string;
  readonly id: string;
  readonly recipient: string;
  readonly fingerprint: PayloadFingerprint | undefined;
  /** When the first attempt began. */
  readonly begun: number;
  readonly call: Event;
  /** Earliest time at which its dedup window began, in microseconds, by `ClockSteps`. */
  readonly windowFromMicros: bigint;
  /** Number of attempts. */
  attempts: number;
  /** Number of attempts that have no outcome yet. */
  pending: number;
  /** Number of attempts with an indeterminate outcome. */
  indeterminate: number;
  /** Number of attempts that were accepted. */
  accepted: number;
  /** Whether two attempts were ever pending at the same time. */
  overlapped: boolean;
  /** The first acceptance in this numbering. */
  first: Acceptance | undefined;
  /** The acceptance in this numbering whose attempt began last. */
  latest: Acceptance | undefined;
  /** When an attempt was last accepted; 0 if none was. */
  lastAccepted: number;
  /** `accepted_at` in the first response or page that showed it. */
  acceptedAt: string | undefined;
  /** The seq of the message, once a page has shown it. */
  seq: number | undefined;
  /** End of the data loss that the message may have preceded or followed; undefined if there was none. */
  ambiguousUntil: number | undefined;
  /** Whether an attempt may have arrived after the dedup window and created a second message. */
  mayDuplicate: boolean;
}

/** What identifies a message, and when its dedup window begins if this is its first attempt. */
type NewSend = Pick<Send, "sender" | "id" | "recipient" | "fingerprint" | "windowFromMicros">;

/** Whether some attempt may have taken effect. If none has, the message must not exist. */
export const mayExist = ({ pending, indeterminate, accepted }: Send) => pending + indeterminate + accepted > 0;

/**
 * Whether a retry followed an earlier attempt, so that a duplicate is not the result of a race. An attempt without a
 * response counts as ended.
 */
export const retriedSequentially = ({ overlapped, first, latest }: Send) =>
  !overlapped || (first !== undefined && latest !== undefined && latest.begun > first.at);

const keyOf = (sender: string, id: string) => `${sender.length}:${sender}${id}`;

/**
 * Maximum number of searches for a better explanation: they are slow, and a server with many violations would cause
 * many.
 */
const MAX_SEARCHES = 200;

/** All messages that clients tried to send, by sender and `client_message_id`. */
export class Sends {
  readonly #byKey = new Map<string, Send[]>();
  readonly #byRecipient = new Map<string, Set<Send>>();
  /** Keys of messages that may have been lost in a data loss. */
  readonly #lost = new Set<string>();
  #searches = 0;

  /** The messages with this sender and id: one, unless the sender reused the id for another recipient or payload. */
  withId(sender: string, id: string): readonly Send[] {
    return this.#byKey.get(keyOf(sender, id)) ?? [];
  }

  /**
   * Whether a message with this id may have been lost in a data loss: the server may have kept or lost its dedup
   * record.
   */
  wasLost(sender: string, id: string): boolean {
    return this.#lost.has(keyOf(sender, id));
  }

  /** Adds an attempt that begins, and returns its message. */
  begin(now: number, call: Event, args: NewSend): Send {
    const key = keyOf(args.sender, args.id);
    let sameId = this.#byKey.get(key);
    if (sameId === undefined) {
      sameId = [];
      this.#byKey.set(key, sameId);
    }
    let send = sameId.find((it) => it.recipient === args.recipient && samePayload(it.fingerprint, args.fingerprint));
    if (send === undefined) {
      send = newSend(args, now, call);
      sameId.push(send);
      const all = this.#byRecipient.get(args.recipient) ?? new Set();
      this.#byRecipient.set(args.recipient, all.add(send));
    }
    send.attempts += 1;
    send.pending += 1;
    if (send.pending > 1) send.overlapped = true;
    return send;
  }

  /**
   * Divides the messages of an inbox that lost its data. `certain` were sent and accepted after the loss ended;
   * `possible` may have been stored after it began, or may have survived it. All others are lost.
   */
  applyLoss(
    recipient: string,
    lossBegun: number,
    lossEnded: number,
    maySurvive: boolean,
  ): { certain: Send[]; possible: Send[] } {
    const certain: Send[] = [];
    const possible: Send[] = [];
    const all = this.#byRecipient.get(recipient) ?? new Set();
    for (const send of all) {
      this.#lost.add(keyOf(send.sender, send.id));
      send.seq = undefined;
      send.acceptedAt = undefined;
      if (send.latest !== undefined && send.latest.begun > lossEnded) {
        send.first = send.latest;
        send.acceptedAt = send.latest.acceptedAt;
        certain.push(send);
      } else if (
        send.pending + send.indeterminate > 0 ||
        send.lastAccepted > lossBegun || // the attempt may have been pending when the loss began
        (maySurvive && mayExist(send))
      ) {
        send.first = undefined;
        send.ambiguousUntil = lossEnded;
        possible.push(send);
      } else {
        all.delete(send);
        this.#forget(send);
      }
    }
    return { certain, possible };
  }

  /** Searches all messages, to explain a violation. Returns undefined also after too many searches. */
  search(predicate: (send: Send) => boolean): Send | undefined {
    this.#searches += 1;
    if (this.#searches > MAX_SEARCHES) return undefined;
    for (const sameId of this.#byKey.values()) {
      const found = sameId.find(predicate);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #forget(send: Send): void {
    const key = keyOf(send.sender, send.id);
    const others = this.withId(send.sender, send.id).filter((it) => it !== send);
    if (others.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, others);
  }
}

function newSend(args: NewSend, begun: number, call: Event): Send {
  const { sender, id, recipient, fingerprint, windowFromMicros } = args;
  return {
    sender,
    id,
    recipient,
    fingerprint,
    begun,
    call,
    windowFromMicros,
    attempts: 0,
    pending: 0,
    indeterminate: 0,
    accepted: 0,
    overlapped: false,
    first: undefined,
    latest: undefined,
    lastAccepted: 0,
    acceptedAt: undefined,
    seq: undefined,
    ambiguousUntil: undefined,
    mayDuplicate: false,
  };
}

export function samePayload(a: PayloadFingerprint | undefined, b: PayloadFingerprint | undefined): boolean {
  return a?.size === b?.size && fingerprintKey(a) === fingerprintKey(b);
}
