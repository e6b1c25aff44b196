import type { SyncRequest, SyncResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";

/** What the server has seen of one account. */
export class AccountLog {
  /** Its place in the order in which the server first heard of the accounts, from 1. */
  readonly nr: number;
  /** Number of Sends, refused ones too. */
  sends = 0;
  syncs = 0;
  refusals = 0;
  retries = 0;
  /** Messages stored in its inbox, of all epochs. */
  received = 0;
  receivedInEpoch = 0;
  pending = 0;
  pendingBytes = 0;
  svrSeq = 0;
  /** Highest seq of the epoch that a Sync has delivered. */
  deliveredSeq = 0;
  senders = new Set<string>();
  rotations = 0;
  acks = 0;
  watches = 0;
  openWatches = 0;
  /** Frames of its Watches. */
  frames = 0;
  overlapping = 0;
  lastCallAt = 0;
  /** Codec of the account's call before this one. */
  lastCodec = "";
  /** Codec in which the last message was sent to the inbox. */
  lastReceivedIn = "";
  /** Codecs of its open Watches. */
  watchCodecs: string[] = [];
  lastReceivedAt = 0;
  /** The refusal of the call before this one, such as "CLI_SEQ_AHEAD"; "" if it was not refused. */
  lastRefusal = "";
  /** Whether the last Sync came from a device that is behind what another device has acknowledged. */
  lastSyncLagged = false;
  /** Whether the call before this one was a retry of a Send. */
  lastWasRetry = false;

  constructor(nr: number) {
    this.nr = nr;
  }
}

/** Sees whether a later Sync of an account shows a fault to its client. */
interface Sign {
  account: AccountLog;
  from: number;
  isShown: (request: SyncRequest, response: SyncResponse) => boolean;
}

/** What the server has seen so far, and how often the fault has occurred. */
export class Traffic {
  readonly #accounts = new Map<string, AccountLog>();
  /** All calls so far; also the time stamps of signs. */
  calls = 0;
  stored = 0;
  retries = 0;
  created = 0;
  rotations = 0;
  revocations = 0;
  restarts = 0;
  cutRequests = 0;
  /** Moments at which the fault could have occurred. */
  occasions = 0;
  /** Times that the fault has occurred. */
  fired = 0;
  /** Those of `fired` that a client could see in a response or a frame. */
  shown = 0;
  /** Sends whose dedup record the fault has dropped, as `keyOf` names them: a retry shows it. */
  readonly forgotten = new Set<string>();
  #signs: Sign[] = [];

  account(userId: string): AccountLog {
    let log = this.#accounts.get(userId);
    if (log === undefined) {
      log = new AccountLog(this.#accounts.size + 1);
      this.#accounts.set(userId, log);
    }
    return log;
  }

  /** Counts a fault that the response itself shows. */
  fireAndShow(): void {
    this.fired += 1;
    this.shown += 1;
  }

  /** Counts a fault in the state, which the first later Sync shows for which `isShown` returns true. */
  fire(account: AccountLog, isShown: Sign["isShown"]): void {
    this.fired += 1;
    // A mutant may fire at each call: a few signs suffice to tell whether it was shown.
    if (this.#signs.length < 1000) this.#signs.push({ account, from: this.calls, isShown });
  }

  /** Notes a response to a Sync. `begun` is the value of `calls` when the Sync began. */
  synced(account: AccountLog, begun: number, request: SyncRequest, response: SyncResponse): void {
    this.#signs = this.#signs.filter((sign) => {
      if (sign.account !== account || sign.from >= begun || !sign.isShown(request, response)) return true;
      this.shown += 1;
      return false;
    });
  }
}
