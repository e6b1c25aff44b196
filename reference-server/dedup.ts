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

/**
 * The accepted Sends of the last `windowMs` milliseconds, by sender and `client_message_id`. They expire in the order in which
 * they came, which is the order in which a Map iterates. Bounded: beyond `maxRecords` a Send is turned away for now, because
 * to forget a record early would break the promise of the window.
 */
export class Dedup {
  readonly #records = new Map<string, DedupRecord & { expiresAt: number }>();
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
    return this.#records.get(key(senderId, clientMessageId));
  }

  /** Call before anything is changed: a Send that could not be remembered must not be accepted. */
  checkRoom(): void {
    if (this.#records.size >= this.#maxRecords) {
      // No reason: to the client it is a rate limit, to be tried again.
      throw new Refusal("resource_exhausted", "too many recent sends on this server; try again later");
    }
  }

  add(senderId: string, clientMessageId: string, now: number, record: DedupRecord): void {
    const id = key(senderId, clientMessageId);
    this.#records.delete(id); // a void record of the same id must not keep its old place in the order
    this.#records.set(id, { ...record, expiresAt: now + this.#windowMs });
  }

  #expire(now: number): void {
    for (const [id, record] of this.#records) {
      if (record.expiresAt > now) return;
      this.#records.delete(id);
    }
  }
}

/** The digest stands for the payload, so that a record's size does not depend on it. */
export function digest(payload: Uint8Array): string {
  return hash("sha256", payload, "base64");
}

// A length before the sender keeps ("a", "bc") and ("ab", "c") apart whatever characters they hold.
const key = (senderId: string, clientMessageId: string) => `${senderId.length}:${senderId}${clientMessageId}`;
