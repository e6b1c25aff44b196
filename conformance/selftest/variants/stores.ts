import { randomBytes } from "node:crypto";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { refusal } from "../../../docs/guides/connect/refusal.js";
import { type Account, Store } from "../../../docs/guides/connect/store.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";

/** Returns pages of one message, whatever page_size is. */
export class OneMessagePages extends Store {
  override sync(inbox: Account, cliSeq: number, epoch: string) {
    return super.sync(inbox, cliSeq, epoch, 1);
  }
}

/** Returns pages of varying length, of at least one message. */
export class UnevenPages extends Store {
  #calls = 0;

  override sync(inbox: Account, cliSeq: number, epoch: string, pageSize: number) {
    this.#calls += 1;
    const most = 1 + ((this.#calls * 7) % 13);
    return super.sync(inbox, cliSeq, epoch, pageSize === 0 ? most : Math.min(pageSize, most));
  }
}

/** Makes epochs of 64 bytes, the maximum, with characters outside ASCII. */
export class LongEpochs extends Store {
  protected override newEpoch(): string {
    return `é∑😀 \u0000"\\${randomBytes(26).toString("hex")}`.slice(0, 59);
  }
}

/** Retains acked messages, as an archive does, without delivering them. */
export class Archive extends Store {
  readonly #archive: Message[] = [];

  override sync(inbox: Account, cliSeq: number, epoch: string, pageSize: number) {
    const before = [...inbox.pending];
    const response = super.sync(inbox, cliSeq, epoch, pageSize);
    this.#archive.push(...before.slice(0, before.length - inbox.pending.length));
    return response;
  }
}

/** Has a clock that goes back a second with each message, from the end of the range of a timestamp. */
export class BackwardClock extends Store {
  #now = Date.UTC(9999, 11, 31);

  protected override now(): Timestamp {
    this.#now -= 1001;
    return timestampFromMs(this.#now);
  }
}

/** Has a clock that does not advance. */
export class StoppedClock extends Store {
  protected override now(): Timestamp {
    return { ...timestampFromMs(0), nanos: 1 };
  }
}

/** Notifies watchers 400 ms after a change, once for all changes until then. */
export class DelayedNotifications extends Store {
  readonly #due = new Set<Account>();

  protected override notifyWatchers(inbox: Account): void {
    if (this.#due.has(inbox)) return;
    this.#due.add(inbox);
    setTimeout(() => {
      this.#due.delete(inbox);
      super.notifyWatchers(inbox);
    }, 400);
  }
}

/** Checks the recipient before a reused id. If both are wrong, either refusal is allowed. */
export class RecipientFirst extends Store {
  readonly #users = new Set<string>();

  override createAccount(startSeq: number) {
    const account = super.createAccount(startSeq);
    this.#users.add(account.userId);
    return account;
  }

  override send(sender: Account, recipientId: string, id: string, payload: Uint8Array): Timestamp {
    try {
      return super.send(sender, recipientId, id, payload);
    } catch (error) {
      const reused = error instanceof ConnectError && error.code === Code.AlreadyExists;
      if (reused && !this.#users.has(recipientId)) throw refusal(Reason.RECIPIENT_UNKNOWN);
      throw error;
    }
  }
}

/** Raises its limits for payloads and pages every 50 Sends, as an operator may at any time. */
export class RisingLimits extends Store {
  #sends = 0;

  override send(sender: Account, recipientId: string, id: string, payload: Uint8Array): Timestamp {
    this.#sends += 1;
    if (this.#sends % 50 === 0) {
      // The bound of the server for bodies stays as it is, and has room for the next multiple of three.
      if (this.limits.payloadBytes % 3 !== 0) this.limits.payloadBytes += 1;
      this.limits.pageMessages += 1;
    }
    return super.send(sender, recipientId, id, payload);
  }
}
