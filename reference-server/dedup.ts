import { hash } from "node:crypto";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Refusal } from "./errors.js";

/** The record of an accepted Send, so that a retry creates no message. */
export interface DedupRecord {
  recipientId: string;
  /**
   * Epoch of the recipient's inbox when the message was stored. If the inbox has a different epoch now, the message is
   * lost and the record is void.
   */
  epoch: string;
  payloadDigest: string;
  acceptedAt: Timestamp;
}

/** A record and its expiry time. */
interface Entry {
  id: string;
  record: DedupRecord;
  expiresAt: number;
}

/**
 * The dedup records of the last `windowMs` milliseconds, by sender and `client_message_id` (spec, "Send"). At
 * `maxRecords` the server refuses further Sends for now, because dropping a record early would violate the declared
 * dedup window.
 */
export class Dedup {
  readonly #records = new Map<string, Entry>();
  /**
   * The records in the order in which they were added and expire; those before `#oldest` have expired. After the clock
   * was set back, a newer record may be due before an older one, and then stays as long as that one: a window that lasts
   * longer is no violation. A Map has the same order, but a search for its first entry would step over all deleted
   * entries at each Send.
   */
  readonly #queue: Entry[] = [];
  #oldest = 0;
  readonly #windowMs: number;
  readonly #maxRecords: number;

  /**
   * @param windowMs Dedup window in milliseconds. From 1.
   * @param maxRecords Maximum number of records. From 1.
   */
  constructor(windowMs: number, maxRecords: number) {
    this.#windowMs = windowMs;
    this.#maxRecords = maxRecords;
  }

  /** Number of records. */
  get size(): number {
    return this.#records.size;
  }

  /** Finds a record that has not expired. `now` is in milliseconds since 1970. */
  find(senderId: string, clientMessageId: string, now: number): DedupRecord | undefined {
    this.#expire(now);
    return this.#records.get(key(senderId, clientMessageId))?.record;
  }

  /**
   * Checks that a record can be added. A Send without a record must not be accepted, so call this before any change.
   *
   * @throws Refusal `resource_exhausted` at the maximum number of records.
   */
  checkRoom(): void {
    if (this.#records.size >= this.#maxRecords) {
      // Without a reason: to the client it is a rate limit, which is retryable.
      throw new Refusal("resource_exhausted", "too many recent Sends on this server; retry later");
    }
  }

  /** Adds the record of a Send that was accepted at `now`, in milliseconds since 1970. */
  add(senderId: string, clientMessageId: string, now: number, record: DedupRecord): void {
    const entry = { id: key(senderId, clientMessageId), record, expiresAt: now + this.#windowMs };
    this.#records.set(entry.id, entry);
    this.#queue.push(entry);
  }

  #expire(now: number): void {
    for (let entry = this.#queue[this.#oldest]; entry !== undefined; entry = this.#queue[this.#oldest]) {
      if (entry.expiresAt > now) break;
      // A void record may have been replaced.
      if (this.#records.get(entry.id) === entry) this.#records.delete(entry.id);
      this.#oldest += 1;
    }
    // Removes the expired entries from the queue, rarely enough that the cost of each Send is constant.
    if (this.#oldest > 1000 && this.#oldest * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}

/** Digest that a record holds instead of the payload, so that all records have the same size. */
export function digest(payload: Uint8Array): string {
  return hash("sha256", payload, "base64");
}

// The length distinguishes ("a", "bc") from ("ab", "c"), whatever characters they contain.
const key = (senderId: string, clientMessageId: string) => `${senderId.length}:${senderId}${clientMessageId}`;
