import { hash } from "node:crypto";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Refusal } from "./errors.js";

/** What the server remembers of an accepted Send, so that a repetition creates nothing. */
export interface DedupRecord {
  recipientId: string;
  /** Epoch of the recipient's inbox when it took the message. Under another one the message is lost, and the record void. */
  epoch: string;
  payloadDigest: string;
  acceptedAt: Timestamp;
}

/** A record, and when it goes. */
interface Entry {
  id: string;
  record: DedupRecord;
  expiresAt: number;
}

/**
 * The accepted Sends of the last `windowMs` milliseconds, by sender and `client_message_id`. Bounded: beyond `maxRecords` a Send
 * is turned away for now, because to forget a record early would break the promise of the window.
 */
export class Dedup {
  readonly #records = new Map<string, Entry>();
  /**
   * The same in the order in which they came, which is the order in which they expire, from `#oldest` on. A Map has that order
   * too, but to find its first entry it walks over all that were deleted before, at each Send.
   */
  readonly #queue: Entry[] = [];
  #oldest = 0;
  readonly #windowMs: number;
  readonly #maxRecords: number;

  constructor(windowMs: number, maxRecords: number) {
    this.#windowMs = windowMs;
    this.#maxRecords = maxRecords;
  }

  get size(): number {
    return this.#records.size;
  }

  find(senderId: string, clientMessageId: string, now: number): DedupRecord | undefined {
    this.#expire(now);
    return this.#records.get(key(senderId, clientMessageId))?.record;
  }

  /** Call before anything is changed: a Send that could not be remembered must not be accepted. */
  checkRoom(): void {
    if (this.#records.size >= this.#maxRecords) {
      // No reason: to the client it is a rate limit, to be tried again.
      throw new Refusal("resource_exhausted", "too many recent sends on this server; try again later");
    }
  }

  add(senderId: string, clientMessageId: string, now: number, record: DedupRecord): void {
    const entry = { id: key(senderId, clientMessageId), record, expiresAt: now + this.#windowMs };
    this.#records.set(entry.id, entry);
    this.#queue.push(entry);
  }

  #expire(now: number): void {
    for (let entry = this.#queue[this.#oldest]; entry !== undefined; entry = this.#queue[this.#oldest]) {
      if (entry.expiresAt > now) break;
      // It may have been void, and another in its place.
      if (this.#records.get(entry.id) === entry) this.#records.delete(entry.id);
      this.#oldest += 1;
    }
    // Now and then what has gone is cut off, and never so often that it costs more than the Sends themselves.
    if (this.#oldest > 1000 && this.#oldest * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}

/** The digest stands for the payload, so that a record's size does not depend on it. */
export function digest(payload: Uint8Array): string {
  return hash("sha256", payload, "base64");
}

// A length before the sender keeps ("a", "bc") and ("ab", "c") apart whatever characters they hold.
const key = (senderId: string, clientMessageId: string) => `${senderId.length}:${senderId}${clientMessageId}`;
