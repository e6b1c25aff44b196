import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Inbox } from "../../../reference-server/inbox.js";
import type { Design } from "./design.js";
import { copyInbox } from "./inboxes.js";

/** With the inbox: that a Send was accepted into it. Stored in one step with the message. */
export interface Taken {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  digest: string;
  acceptedAt: Timestamp;
  /** Of the intent that it came from. */
  attempt: number;
}

/** With the sender: what an id is for. It says nothing about whether the message is there. */
export interface Intent {
  recipientId: string;
  digest: string;
  /** Rises with each intent of the shard, so that one that was given up can be told from its successor. */
  attempt: number;
  /** When it was noted. */
  since: Timestamp;
}

/** With the sender, where it and the message are one transaction. */
export interface SentRecord {
  recipientId: string;
  /** The inbox's when it took the message; under another one the record is void. */
  epoch: string;
  digest: string;
  acceptedAt: Timestamp;
}

/**
 * What a shard holds: its users' inboxes, and what it must remember of the Sends to them and by them. It all moves together: each
 * part is a promise about another.
 */
export class Shard {
  readonly inboxes = new Map<string, Inbox>();
  /** By recipient, sender and id. */
  readonly taken = new Map<string, Taken>();
  /** By recipient, sender and id: the attempts up to this one were given up by the sender's shard, and must not be taken any more. */
  readonly sealed = new Map<string, number>();
  /** By sender's shard: appends that were begun under an earlier term of it must not be taken any more. */
  readonly oldestTerm = new Map<number, number>();
  /** By sender and id. */
  readonly intents = new Map<string, Intent>();
  /** By sender and id. */
  readonly records = new Map<string, SentRecord>();

  copy(design: Design): Shard {
    const copy = new Shard();
    for (const [user, inbox] of this.inboxes) copy.inboxes.set(user, copyInbox(design, inbox));
    // What is in these is never changed, only replaced.
    for (const part of ["taken", "sealed", "oldestTerm", "intents", "records"] as const) {
      const target = copy[part] as Map<unknown, unknown>;
      for (const [key, value] of this[part]) target.set(key, value);
    }
    return copy;
  }

  /** Forgets what it knew of Sends. */
  forgetSends(): void {
    for (const part of [this.taken, this.sealed, this.oldestTerm, this.intents, this.records]) part.clear();
  }

  inbox(userId: string): Inbox {
    const inbox = this.inboxes.get(userId);
    if (inbox === undefined) throw new Error(`${userId} does not live in this shard`);
    return inbox;
  }
}

/** JSON keeps the parts apart, whatever they hold. */
export const keyOf = (...parts: string[]) => JSON.stringify(parts);
