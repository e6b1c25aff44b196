import { randomBytes } from "node:crypto";
import { Profile } from "../proto/gen/seqsync/v1/message_pb.js";
import { type Account, Accounts, newToken } from "./accounts.js";
import { Dedup } from "./dedup.js";
import { Inbox, type InboxLimits } from "./inbox.js";

/**
 * Settings of the server (limits.md). A request that exceeds a limit is refused, and never truncated; only a larger
 * `page_size` is treated as `maxPageSize`.
 */
export interface ServiceOptions {
  /**
   * Maximum number of messages in a page (page.md). From 1.
   * @default 1000
   */
  maxPageSize?: number;
  /**
   * Maximum number of payload bytes in a page (page.md). From 1. The first message is always included.
   * @default 4 MiB
   */
  maxPageBytes?: number;
  /**
   * Maximum size of a payload, in bytes (send.md). From 1.
   * @default 64 KiB
   */
  maxPayloadBytes?: number;
  /**
   * Maximum number of unacknowledged messages in an inbox (send.md). From 1.
   * @default 10000
   */
  maxBacklog?: number;
  /**
   * Time in which a retried Send is recognised, in milliseconds: the dedup window (send.md). From 1.
   * @default 10 minutes
   */
  dedupWindowMs?: number;
  /**
   * Maximum number of dedup records. From 1.
   * @default 1000000
   */
  maxDedupRecords?: number;
  /**
   * Maximum number of accounts. From 1.
   * @default 1000000
   */
  maxAccounts?: number;
  /**
   * Maximum number of open Watch streams of an account (watch.md). From 1.
   * @default 1000
   */
  maxWatchesPerAccount?: number;
  /**
   * Interval at which a Watch repeats its last frame, in milliseconds (watch.md). From 1.
   * @default 15 s
   */
  heartbeatMs?: number;
  /**
   * The `implementation` in the response of GetServerInfo (info.md).
   * @default "seqsync reference server"
   */
  implementation?: string;
  /**
   * The profiles that the server declares and serves, apart from CORE (info.md).
   * @default JSON and WATCH
   */
  profiles?: readonly Profile[];
  /**
   * The wall clock, in milliseconds since 1970. For tests.
   * @default Date.now
   */
  now?: () => number;
  /**
   * Creates an id that was never used before: for epochs, and for user ids of fixture accounts.
   * @default 128 random bits
   */
  newId?: () => string;
  /**
   * Creates inboxes. The mutants in `conformance/selftest/mutants` replace it.
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
  // 128 random bits: an epoch must be new even after a restart, when the earlier epochs are unknown.
  newId: () => randomBytes(16).toString("base64url"),
  newInbox: (epoch: string, startSeq: number, limits: InboxLimits) => new Inbox(epoch, startSeq, limits),
} satisfies Required<ServiceOptions>;

/** A new account. */
export interface NewAccount {
  /** @internal */
  account: Account;
  /** Its bearer token (auth.md). */
  token: string;
}

/** The state of the whole server, in memory. The operations are functions on it. */
export class Service {
  /** The settings, with the defaults of those that were not given. `now` is the time of day that the server sees. */
  readonly options: Readonly<Required<ServiceOptions>>;
  /** @internal */
  readonly accounts: Accounts;
  /** @internal */
  readonly dedup: Dedup;
  /**
   * Difference between the wall clock of `options.now` and the true time, in milliseconds. The fixture StepClock sets it.
   * @internal
   */
  clockOffsetMs = 0;

  constructor(options: ServiceOptions = {}) {
    const { now, ...others } = { ...DEFAULTS, ...options };
    // Whatever reads the time of day reads it here, so a step of the clock reaches all of it.
    this.options = { ...others, now: () => now() + this.clockOffsetMs };
    this.accounts = new Accounts(this.options.maxAccounts);
    this.dedup = new Dedup(this.options.dedupWindowMs, this.options.maxDedupRecords);
  }

  /**
   * Creates an account with an empty inbox that starts at `startSeq` (seq.md), by default 0. Without a token it gets a
   * random one.
   *
   * @throws Error if the user id or the token is taken, or if there are `maxAccounts` accounts.
   */
  createAccount(userId: string, token = newToken(), startSeq = 0): NewAccount {
    const inbox = this.options.newInbox(this.options.newId(), startSeq, this.options);
    return { account: this.accounts.add(userId, token, inbox), token };
  }
}
