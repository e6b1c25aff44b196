import type { Event, PayloadPrint } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { printKey } from "../history/print.js";

/** A message as its sender means it: one recipient, one payload, one id. All its attempts together may create it once. */
export interface Send {
  readonly sender: string;
  readonly id: string;
  readonly recipient: string;
  readonly print: PayloadPrint | undefined;
  /** When its first attempt began. */
  readonly begun: number;
  readonly call: Event;
  /** Attempts that may have had their effect: open, lost or accepted. With none the message must not exist. */
  possible: number;
  /** Attempts in all. */
  attempts: number;
  /** Attempts without an outcome yet. */
  open: number;
  /** Whether two attempts were ever under way at the same time. */
  overlapped: boolean;
  /** When it was first known to be accepted, and what told; Infinity while it is not. */
  accepted: number;
  acceptance: Event | undefined;
  /** `accepted_at` as it was first told, by Send or by a page. */
  acceptedAt: string | undefined;
  /** Its place, once a page has shown it. */
  seq: number | undefined;
  /** Began before its recipient's inbox lost its data, and may have landed on either side. */
  straddles: boolean;
}

const keyOf = (sender: string, id: string) => `${sender.length}:${sender}${id}`;

/** All messages that were ever sent, by sender and client_message_id. */
export class Sends {
  readonly #byKey = new Map<string, Send[]>();

  /** The messages that share a sender and an id: one, unless an id was used again for something else. */
  sharing(sender: string, id: string): readonly Send[] {
    return this.#byKey.get(keyOf(sender, id)) ?? [];
  }

  /** Notes that an attempt begins, and answers the message that it is an attempt of. */
  begin(
    now: number,
    event: Event,
    args: { sender: string; id: string; recipient: string; print: PayloadPrint | undefined },
  ): Send {
    const key = keyOf(args.sender, args.id);
    const variants = this.#byKey.get(key) ?? [];
    if (variants.length === 0) this.#byKey.set(key, variants);
    let send = variants.find((it) => it.recipient === args.recipient && samePayload(it.print, args.print));
    if (send === undefined) {
      send = {
        ...args,
        begun: now,
        call: event,
        possible: 0,
        attempts: 0,
        open: 0,
        overlapped: false,
        accepted: Number.POSITIVE_INFINITY,
        acceptance: undefined,
        acceptedAt: undefined,
        seq: undefined,
        straddles: false,
      };
      variants.push(send);
    }
    send.possible += 1;
    send.attempts += 1;
    send.open += 1;
    if (send.open > 1) send.overlapped = true;
    return send;
  }

  /** Forgets what an inbox has lost. What is still under way may land after the loss, and is kept. */
  lose(recipient: string): Send[] {
    const kept: Send[] = [];
    for (const [key, variants] of this.#byKey) {
      if (!variants.some((it) => it.recipient === recipient)) continue;
      const left = variants.filter((it) => it.recipient !== recipient || it.open > 0);
      for (const send of left) {
        if (send.recipient !== recipient) continue;
        Object.assign(send, {
          straddles: true,
          seq: undefined,
          accepted: Number.POSITIVE_INFINITY,
          acceptance: undefined,
        });
        send.possible = send.open;
        kept.push(send);
      }
      if (left.length === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
    }
    return kept;
  }

  /** Anything that was sent and looks like this, for saying what went wrong. Slow; only for findings. */
  search(fits: (send: Send) => boolean): Send | undefined {
    for (const variants of this.#byKey.values()) {
      const found = variants.find(fits);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

export function samePayload(a: PayloadPrint | undefined, b: PayloadPrint | undefined): boolean {
  return a?.size === b?.size && printKey(a) === printKey(b);
}
