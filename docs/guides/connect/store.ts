import { createHash, randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { type Message, MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { Notifier } from "./notifier.js";
import { refusal, retryable } from "./refusal.js";

const LAST_SEQ = 4_294_967_295;

/** The limits of a server. */
export interface Limits {
  pageMessages: number;
  pageBytes: number;
  payloadBytes: number;
  dedupWindowSeconds: number;
  pendingMessages: number;
  dedupRecords: number;
  /** Open Watches of an account; at least 20. */
  watches: number;
}

const DEFAULT_LIMITS: Limits = {
  pageMessages: 500,
  pageBytes: 4 << 20,
  payloadBytes: 256 << 10,
  dedupWindowSeconds: 24 * 3600,
  pendingMessages: 50_000,
  dedupRecords: 1_000_000,
  watches: 100,
};

/** An account and its inbox: the state of the chapter "Model". `pending[0]` has the seq `ackedSeq + 1`. */
export interface Account {
  userId: string;
  epoch: string;
  svrSeq: number;
  ackedSeq: number;
  pending: Message[];
  notifiers: Set<Notifier>;
}

/** A record of an accepted Send, to recognise its retries. */
interface DedupRecord {
  recipient: Account;
  epoch: string;
  digest: string;
  acceptedAt: Timestamp;
  /** Time by `performance.now()`, in milliseconds. */
  expires: number;
}

/**
 * All state, in memory. Each method is one atomic step of the model, because it is synchronous: Node runs it to its end
 * before anything else. With a database each would be one transaction that locks the inbox's row.
 */
export class Store {
  readonly limits: Limits;
  readonly #accounts = new Map<string, Account>();
  readonly #tokens = new Map<string, Account>();
  readonly #records = new Map<string, DedupRecord>();
  #clockOffsetMs = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Returns the account of a token, or undefined if the token is unknown or revoked. */
  accountOf(token: string): Account | undefined {
    return this.#tokens.get(sha256(token));
  }

  /**
   * Accepts a message, or recognises a retry. Returns the time of the first acceptance. Throws a ConnectError if
   * refused.
   */
  send(sender: Account, recipientId: string, id: string, payload: Uint8Array): Timestamp {
    const idBytes = Buffer.byteLength(id);
    if (idBytes < 1 || idBytes > 64) throw refusal(Reason.CLIENT_MESSAGE_ID_INVALID);
    if (payload.length > this.limits.payloadBytes) throw refusal(Reason.PAYLOAD_TOO_LARGE);

    this.#deleteExpiredRecords();
    const key = JSON.stringify([sender.userId, id]);
    const digest = sha256(payload);
    const record = this.#records.get(key);
    // A record from before a data loss is void: its message is lost.
    if (record !== undefined && record.epoch === record.recipient.epoch) {
      if (record.recipient.userId === recipientId && record.digest === digest) return record.acceptedAt;
      throw refusal(Reason.CLIENT_MESSAGE_ID_REUSED);
    }

    const recipient = this.#accounts.get(recipientId);
    if (recipient === undefined) throw refusal(Reason.RECIPIENT_UNKNOWN);
    if (recipient.svrSeq === LAST_SEQ) throw refusal(Reason.SEQ_EXHAUSTED);
    if (recipient.pending.length >= this.limits.pendingMessages) throw refusal(Reason.BACKLOG_FULL);
    if (this.#records.size >= this.limits.dedupRecords) throw retryable("too many messages at the moment");

    // Nothing has changed so far, so a refusal above has no effect.
    recipient.svrSeq += 1;
    const message = create(MessageSchema, {
      seq: recipient.svrSeq,
      senderId: sender.userId,
      clientMessageId: id,
      payload,
      acceptedAt: this.now(),
    });
    const acceptedAt = message.acceptedAt as Timestamp;
    recipient.pending.push(message);
    const expires = performance.now() + this.limits.dedupWindowSeconds * 1000;
    this.#records.delete(key);
    this.#records.set(key, { recipient, epoch: recipient.epoch, digest, acceptedAt, expires });
    this.notifyWatchers(recipient);
    return acceptedAt;
  }

  /**
   * Acknowledges up to `cliSeq`, and returns one page of the messages that follow. Throws a ConnectError if refused.
   */
  sync(inbox: Account, cliSeq: number, epoch: string, pageSize: number) {
    if (epoch !== "" && epoch !== inbox.epoch) throw refusal(Reason.EPOCH_MISMATCH, inbox);
    if (cliSeq > inbox.svrSeq) throw refusal(Reason.CLI_SEQ_AHEAD, inbox);

    if (cliSeq > inbox.ackedSeq) {
      inbox.pending.splice(0, cliSeq - inbox.ackedSeq);
      inbox.ackedSeq = cliSeq;
    }
    const messages = this.#page(inbox, pageSize);
    const { svrSeq, ackedSeq } = inbox;
    return { epoch: inbox.epoch, svrSeq, ackedSeq, messages, nextCliSeq: messages.at(-1)?.seq ?? ackedSeq };
  }

  createAccount(startSeq: number): { userId: string; token: string } {
    const userId = `u-${randomBytes(9).toString("base64url")}`;
    const token = randomBytes(24).toString("base64url");
    const account = {
      userId,
      epoch: this.newEpoch(),
      svrSeq: startSeq,
      ackedSeq: startSeq,
      pending: [],
      notifiers: new Set<Notifier>(),
    };
    this.#accounts.set(userId, account);
    this.#tokens.set(sha256(token), account);
    return { userId, token };
  }

  /** Resets an inbox as after a data loss. Returns false if there is no such account. */
  rotateEpoch(userId: string): boolean {
    const account = this.#accounts.get(userId);
    if (account === undefined) return false;
    Object.assign(account, { epoch: this.newEpoch(), svrSeq: 0, ackedSeq: 0, pending: [] });
    this.notifyWatchers(account);
    return true;
  }

  /** Revokes a token. Returns false if there is no such token. */
  revokeToken(token: string): boolean {
    const account = this.accountOf(token);
    this.#tokens.delete(sha256(token));
    // Wakes open Watches, so that they check their token.
    for (const notifier of account?.notifiers ?? []) notifier.notify();
    return account !== undefined;
  }

  /** Steps the clock of `now`; all else measures elapsed time. Returns false for more than seven days. */
  stepClock(offsetMs: number): boolean {
    if (Math.abs(offsetMs) > 7 * 86_400_000) return false;
    this.#clockOffsetMs = offsetMs;
    return true;
  }

  /** Reads the server's clock. Its times define no order: a clock may be set back. */
  protected now(): Timestamp {
    return timestampFromMs(Date.now() + this.#clockOffsetMs);
  }

  /** Returns a random epoch. It is new even if all earlier epochs were lost. */
  protected newEpoch(): string {
    return randomBytes(16).toString("base64url");
  }

  /** Wakes the watchers of an inbox. */
  protected notifyWatchers(inbox: Account): void {
    for (const notifier of inbox.notifiers) notifier.notify();
  }

  /** Returns the first pending messages: as many as the limits allow, and at least one if any is pending. */
  #page({ pending }: Account, pageSize: number): Message[] {
    const { pageMessages, pageBytes } = this.limits;
    const most = Math.min(pageSize || pageMessages, pageMessages);
    const messages: Message[] = [];
    let bytes = 0;
    for (const message of pending) {
      bytes += message.payload.length;
      if (messages.length === most || (messages.length > 0 && bytes > pageBytes)) break;
      messages.push(message);
    }
    return messages;
  }

  /** Deletes expired records. The oldest come first, and all have the same lifetime. */
  #deleteExpiredRecords(): void {
    const now = performance.now();
    for (const [key, { expires }] of this.#records) {
      if (expires > now) return;
      this.#records.delete(key);
    }
  }
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("base64");
