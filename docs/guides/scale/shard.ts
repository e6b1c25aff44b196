import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Inbox } from "../../../reference-server/inbox.js";
import type { Design } from "./design.js";
import { copyInbox } from "./inboxes.js";

/** At the recipient: a Send was accepted into the inbox. Stored in one step with the message. */
export interface Taken {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  digest: string;
  acceptedAt: Timestamp;
  /** Attempt number of its intent. */
  attempt: number;
}

/** At the sender: the purpose of an id. It does not state whether the message was stored. */
export interface Intent {
  recipientId: string;
  digest: string;
  /** Increases with each intent of the shard, to distinguish an abandoned intent from its successor. */
  attempt: number;
  /** Time at which it was stored. */
  since: Timestamp;
}

/** At the sender, if record and message are stored in one transaction. */
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
  /** By recipient, sender and id. */
  readonly taken = new Map<string, Taken>();
  /**
   * By recipient, sender and id: the sender's shard has abandoned the attempts up to this one; they must not be
   * appended.
   */
  readonly sealed = new Map<string, number>();
  /** By sender's shard: appends of earlier terms of that shard must be rejected. */
  readonly oldestTerm = new Map<number, number>();
  /** By sender and id. */
  readonly intents = new Map<string, Intent>();
  /** By sender and id. */
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

/** JSON separates the parts unambiguously. */
export const keyOf = (...parts: string[]) => JSON.stringify(parts);
