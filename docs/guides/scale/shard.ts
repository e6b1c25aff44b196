import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Inbox } from "../../../reference-server/inbox.js";
import type { Design } from "./design.js";
import { copyInbox } from "./inboxes.js";

/** Record at the recipient of an accepted Send. Stored in one step with the message. */
export interface Taken {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  digest: string;
  acceptedAt: Timestamp;
  /** Attempt number of its intent. */
  attempt: number;
}

/**
 * Record at the sender of the content for which an id is reserved. It does not state whether the message was stored.
 */
export interface Intent {
  recipientId: string;
  digest: string;
  /** Increases with each intent of the shard, to distinguish an abandoned intent from its successor. */
  attempt: number;
  /** Time at which it was stored. */
  since: Timestamp;
}

/** Dedup record at the sender, if record and message are stored in one transaction. */
export interface SentRecord {
  recipientId: string;
  /** Epoch of the inbox when it accepted the message; under another one the record is void. */
  epoch: string;
  digest: string;
  acceptedAt: Timestamp;
}

/**
 * The data of a shard: its users' inboxes, and the records of Sends to them and by them. All parts move together,
 * because they depend on each other.
 */
export class Shard {
  readonly inboxes = new Map<string, Inbox>();
  /** Accepted Sends by recipient, sender and id. */
  readonly taken = new Map<string, Taken>();
  /**
   * Attempt numbers by recipient, sender and id. The sender's shard has abandoned the attempts up to this number; they
   * must not be appended.
   */
  readonly sealed = new Map<string, number>();
  /** Lowest valid term by sender's shard. Appends of earlier terms of that shard must be rejected. */
  readonly oldestTerm = new Map<number, number>();
  /** Intents by sender and id. */
  readonly intents = new Map<string, Intent>();
  /** Dedup records by sender and id. */
  readonly records = new Map<string, SentRecord>();

  copy(design: Design): Shard {
    const copy = new Shard();
    for (const [user, inbox] of this.inboxes) copy.inboxes.set(user, copyInbox(design, inbox));
    // The values of these maps are immutable.
    for (const part of ["taken", "sealed", "oldestTerm", "intents", "records"] as const) {
      const target = copy[part] as Map<unknown, unknown>;
      for (const [key, value] of this[part]) target.set(key, value);
    }
    return copy;
  }

  /** Deletes all records of Sends. */
  dropSends(): void {
    for (const part of [this.taken, this.sealed, this.oldestTerm, this.intents, this.records]) part.clear();
  }

  inbox(userId: string): Inbox {
    const inbox = this.inboxes.get(userId);
    if (inbox === undefined) throw new Error(`${userId} is not in this shard`);
    return inbox;
  }
}

/** Joins the parts of a key. JSON separates them unambiguously. */
export const keyOf = (...parts: string[]) => JSON.stringify(parts);
