import type { Event, PayloadFingerprint } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { fingerprintKey } from "../history/fingerprint.js";

/** That an attempt was accepted, and what it was told. */
export interface Acceptance {
  /** When the attempt began, and when it was answered. */
  begun: number;
  at: number;
  event: Event;
  /** `accepted_at` as text; undefined if the answer had none. */
  time: string | undefined;
}

/** A message as its sender means it: one recipient, one payload, one id. All its attempts together may create it once. */
export interface Send {
  readonly sender: string;
  readonly id: string;
  readonly recipient: string;
  readonly print: PayloadFingerprint | undefined;
  /** When its first attempt began. */
  readonly begun: number;
  readonly call: Event;
  /** Attempts in all; those without an outcome yet; those whose outcome nobody knows; and those that were accepted. */
  attempts: number;
  open: number;
  lost: number;
  accepted: number;
  /** Whether two attempts were ever under way at the same time. */
  overlapped: boolean;
  /** Its first acceptance, and the one that began last; undefined if there is none in this numbering. */
  first: Acceptance | undefined;
  latest: Acceptance | undefined;
  /** When an attempt was last answered with success; 0 if none was. */
  answered: number;
  /** `accepted_at` as it was first told, by Send or by a page. */
  time: string | undefined;
  /** Its place, once a page has shown it. */
  seq: number | undefined;
  /** When the loss was over that it may have landed before or after; undefined if there was none. */
  ambiguousUntil: number | undefined;
  /** An attempt may have arrived after the dedup window, and made a second message. */
  mayRepeat: boolean;
}

/** Whether some attempt may have had its effect. If not, the message must not exist. */
export const isPossible = ({ open, lost, accepted }: Send) => open + lost + accepted > 0;

/** Whether it was repeated one after the other: a fault is then no race. An attempt that was lost counts as over. */
export const retriedAfterAnswer = ({ overlapped, first, latest }: Send) =>
  !overlapped || (first !== undefined && latest !== undefined && latest.begun > first.at);

const keyOf = (sender: string, id: string) => `${sender.length}:${sender}${id}`;

/** Searches for a better explanation are slow; a server that is wrong throughout must not make the judge slow throughout. */
const MAX_SEARCHES = 200;

/** All messages that were ever sent, by sender and client_message_id. */
export class Sends {
  readonly #byKey = new Map<string, Send[]>();
  readonly #byRecipient = new Map<string, Set<Send>>();
  /** Ids of messages that a loss has taken. */
  readonly #lost = new Set<string>();
  #searches = 0;

  /** The messages that share a sender and an id: one, unless an id was used again for something else. */
  sharing(sender: string, id: string): readonly Send[] {
    return this.#byKey.get(keyOf(sender, id)) ?? [];
  }

  /** Whether a message with this id was ever taken by a loss: its record is void, but may still be there. */
  wasLost(sender: string, id: string): boolean {
    return this.#lost.has(keyOf(sender, id));
  }

  /** Notes that an attempt begins, and answers the message that it is an attempt of. */
  begin(now: number, call: Event, args: Pick<Send, "sender" | "id" | "recipient" | "print">): Send {
    const key = keyOf(args.sender, args.id);
    let variants = this.#byKey.get(key);
    if (variants === undefined) {
      variants = [];
      this.#byKey.set(key, variants);
    }
    let send = variants.find((it) => it.recipient === args.recipient && samePayload(it.print, args.print));
    if (send === undefined) {
      send = newSend(args, now, call);
      variants.push(send);
      const all = this.#byRecipient.get(args.recipient) ?? new Set();
      this.#byRecipient.set(args.recipient, all.add(send));
    }
    send.attempts += 1;
    send.open += 1;
    if (send.open > 1) send.overlapped = true;
    return send;
  }

  /**
   * Sorts out what can be in an inbox that began again: `certain` was accepted after the loss was over; `possible` may have
   * landed after it began, or may have survived it; the rest is gone.
   */
  lose(
    recipient: string,
    lossBegun: number,
    lossOver: number,
    survivors: boolean,
  ): { certain: Send[]; possible: Send[] } {
    const certain: Send[] = [];
    const possible: Send[] = [];
    const all = this.#byRecipient.get(recipient) ?? new Set();
    for (const send of all) {
      this.#lost.add(keyOf(send.sender, send.id));
      send.seq = undefined;
      send.time = undefined;
      if (send.latest !== undefined && send.latest.begun > lossOver) {
        send.first = send.latest;
        send.time = send.latest.time;
        certain.push(send);
      } else if (
        send.open + send.lost > 0 ||
        send.answered > lossBegun || // it may have been under way when the loss began
        (survivors && isPossible(send))
      ) {
        send.first = undefined;
        send.ambiguousUntil = lossOver;
        possible.push(send);
      } else {
        all.delete(send);
        this.#forget(send);
      }
    }
    return { certain, possible };
  }

  /** Anything that was sent and looks like this, for saying what went wrong; undefined as well when too much was asked for. */
  search(fits: (send: Send) => boolean): Send | undefined {
    this.#searches += 1;
    if (this.#searches > MAX_SEARCHES) return undefined;
    for (const variants of this.#byKey.values()) {
      const found = variants.find(fits);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #forget(send: Send): void {
    const key = keyOf(send.sender, send.id);
    const left = this.sharing(send.sender, send.id).filter((it) => it !== send);
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}

function newSend(args: Pick<Send, "sender" | "id" | "recipient" | "print">, begun: number, call: Event): Send {
  const { sender, id, recipient, print } = args;
  return {
    sender,
    id,
    recipient,
    print,
    begun,
    call,
    attempts: 0,
    open: 0,
    lost: 0,
    accepted: 0,
    overlapped: false,
    first: undefined,
    latest: undefined,
    answered: 0,
    time: undefined,
    seq: undefined,
    ambiguousUntil: undefined,
    mayRepeat: false,
  };
}

export function samePayload(a: PayloadFingerprint | undefined, b: PayloadFingerprint | undefined): boolean {
  return a?.size === b?.size && fingerprintKey(a) === fingerprintKey(b);
}
