import { randomBytes } from "node:crypto";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { refusal } from "../../../docs/guides/connect/refusal.js";
import { type Account, Store } from "../../../docs/guides/connect/store.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";

/** Pages of one message, whatever the client asks for. */
export class OneMessagePages extends Store {
  override sync(inbox: Account, cliSeq: number, epoch: string) {
    return super.sync(inbox, cliSeq, epoch, 1);
  }
}

/** Pages of any length from one message on, another each time. */
export class UnevenPages extends Store {
  #calls = 0;

  override sync(inbox: Account, cliSeq: number, epoch: string, pageSize: number) {
    this.#calls += 1;
    const most = 1 + ((this.#calls * 7) % 13);
    return super.sync(inbox, cliSeq, epoch, pageSize === 0 ? most : Math.min(pageSize, most));
  }
}

/** Epochs of 64 bytes, the most there may be, that are no ASCII. */
export class LongEpochs extends Store {
  protected override newEpoch(): string {
    return `é∑😀 \u0000"\\${randomBytes(26).toString("hex")}`.slice(0, 59);
  }
}

/** Keeps what was acknowledged, as an archive does. Nobody gets it. */
export class Archive extends Store {
  readonly #kept: Message[] = [];

  override sync(inbox: Account, cliSeq: number, epoch: string, pageSize: number) {
    const before = [...inbox.pending];
    const answer = super.sync(inbox, cliSeq, epoch, pageSize);
    this.#kept.push(...before.slice(0, before.length - inbox.pending.length));
    return answer;
  }
}

/** A clock that loses a second with each message, and began near the end of what a timestamp holds. */
export class BackwardClock extends Store {
  #now = Date.UTC(9999, 11, 31);

  protected override now(): Timestamp {
    this.#now -= 1001;
    return timestampFromMs(this.#now);
  }
}

/** A clock that stands still. */
export class StoppedClock extends Store {
  protected override now(): Timestamp {
    return { ...timestampFromMs(0), nanos: 1 };
  }
}

/** Tips that come late, many in one. */
export class LazyTips extends Store {
  readonly #due = new Set<Account>();

  protected override tip(inbox: Account): void {
    if (this.#due.has(inbox)) return;
    this.#due.add(inbox);
    setTimeout(() => {
      this.#due.delete(inbox);
      super.tip(inbox);
    }, 400);
  }
}

/** Looks for the recipient before the use of an id: of the refusals that apply it gives the other one. */
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
