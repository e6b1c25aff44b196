import { randomBytes } from "node:crypto";
import { Profile } from "../proto/gen/seqsync/v1/message_pb.js";
import { type Account, Accounts, newToken } from "./accounts.js";
import { Dedup } from "./dedup.js";
import { Inbox, type InboxLimits } from "./inbox.js";

/** What can be set. Each bound has a default, and going over it is refused, never silently cut. */
export interface ServiceOptions {
  /** Most messages in a page. From 1. Default 1000. */
  maxPageSize?: number;
  /** Payload bytes after which a page ends early. From 1. Default 4 MiB. */
  maxPageBytes?: number;
  /** Longest payload in bytes. From 1. Default 64 KiB. */
  maxPayloadBytes?: number;
  /** Most unacknowledged messages of one inbox. From 1. Default 10,000. */
  maxBacklog?: number;
  /** For how long a Send is recognised when it is repeated, in milliseconds. From 1. Default 10 minutes. */
  dedupWindowMs?: number;
  /** Most Sends that are remembered for that. From 1. Default 1,000,000. */
  maxDedupRecords?: number;
  /** Most accounts. From 1. Default 1,000,000. */
  maxAccounts?: number;
  /** Most open watches of one account. From 1. Default 1,000. */
  maxWatchesPerAccount?: number;
  /** How often a watch repeats its last frame, in milliseconds. From 1. Default 15 s. */
  heartbeatMs?: number;
  /** What GetServerInfo tells as `implementation`. */
  implementation?: string;
  /** Which profiles are declared and served, CORE aside. Default JSON and WATCH. */
  profiles?: readonly Profile[];
  /** Wall clock in milliseconds since 1970. Injected, so that tests own the time. */
  now?: () => number;
  /** Makes a name that was never used before: epochs, and user ids of fixture accounts. */
  newId?: () => string;
  /**
   * Makes inboxes. The seam at which a faulty server is composed.
   * @internal
   */
  newInbox?: (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;
}

const DEFAULTS = {
  maxPageSize: 1000,
  maxPageBytes: 4 << 20,
  maxPayloadBytes: 64 << 10,
  maxBacklog: 10_000,
  dedupWindowMs: 600_000,
  maxDedupRecords: 1_000_000,
  maxAccounts: 1_000_000,
  maxWatchesPerAccount: 1000,
  heartbeatMs: 15_000,
  implementation: "seqsync reference server",
  profiles: [Profile.JSON, Profile.WATCH] as readonly Profile[],
  now: Date.now,
  // 128 random bits: an epoch must never come twice, not even after a restart that has forgotten all earlier ones.
  newId: () => randomBytes(16).toString("base64url"),
  newInbox: (epoch: string, startSeq: number, limits: InboxLimits) => new Inbox(epoch, startSeq, limits),
} satisfies Required<ServiceOptions>;

/** An account that was opened just now. */
export interface NewAccount {
  /** @internal */
  account: Account;
  /** The bearer token that stands for it. */
  token: string;
}

/** The state of the whole server, in memory. Operations are functions on it. */
export class Service {
  /** What was set, and the defaults of what was not. */
  readonly options: Readonly<Required<ServiceOptions>>;
  /** @internal */
  readonly accounts: Accounts;
  /** @internal */
  readonly dedup: Dedup;

  constructor(options: ServiceOptions = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.accounts = new Accounts(this.options.maxAccounts);
    this.dedup = new Dedup(this.options.dedupWindowMs, this.options.maxDedupRecords);
  }

  /** Opens an account; without a token a random one is made. Its inbox has nothing and stands at `startSeq`. */
  createAccount(userId: string, token = newToken(), startSeq = 0): NewAccount {
    const inbox = this.options.newInbox(this.options.newId(), startSeq, this.options);
    return { account: this.accounts.add(userId, token, inbox), token };
  }
}
