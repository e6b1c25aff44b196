import { createHash, randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampNow } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { type Message, MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { Bell } from "./bell.js";
import { refusal, tryAgain } from "./refusal.js";

const LAST_SEQ = 4_294_967_295;

/** The bounds that a server keeps. */
export interface Limits {
  pageMessages: number;
  pageBytes: number;
  payloadBytes: number;
  dedupWindowSeconds: number;
  pendingMessages: number;
  dedupRecords: number;
  /** Open watches of an account. From 20. */
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

/** An account and its inbox: the state of chapter "Model". `pending[0]` has the seq `ackedSeq + 1`. */
export interface Account {
  userId: string;
  epoch: string;
  svrSeq: number;
  ackedSeq: number;
  pending: Message[];
  bells: Set<Bell>;
}

/** What is remembered of an accepted Send, to recognise its repetition. */
interface DedupRecord {
  recipient: Account;
  epoch: string;
  digest: string;
  acceptedAt: Timestamp;
  expires: number;
}

/**
 * All state, in memory. Each method is one atomic step of the model, because nothing in it waits: Node runs it to its end before
 * anything else. With a database each would be one transaction that locks the inbox's row.
 */
export class Store {
  readonly limits: Limits;
  readonly #accounts = new Map<string, Account>();
  readonly #tokens = new Map<string, Account>();
  readonly #records = new Map<string, DedupRecord>();

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** The account of a token, or undefined if the token is unknown or revoked. */
  accountOf(token: string): Account | undefined {
    return this.#tokens.get(sha256(token));
  }

  /** Accepts a message, or recognises it. Answers when it was accepted first. Throws a ConnectError if it is refused. */
  send(sender: Account, recipientId: string, id: string, payload: Uint8Array): Timestamp {
    const idBytes = Buffer.byteLength(id);
    if (idBytes < 1 || idBytes > 64) throw refusal(Reason.CLIENT_MESSAGE_ID_INVALID);
    if (payload.length > this.limits.payloadBytes) throw refusal(Reason.PAYLOAD_TOO_LARGE);

    this.#forgetExpiredRecords();
    const key = JSON.stringify([sender.userId, id]);
    const digest = sha256(payload);
    const record = this.#records.get(key);
    // A record from before a loss of data is void: the message that it speaks of is gone.
    if (record !== undefined && record.epoch === record.recipient.epoch) {
      if (record.recipient.userId === recipientId && record.digest === digest) return record.acceptedAt;
      throw refusal(Reason.CLIENT_MESSAGE_ID_REUSED);
    }

    const recipient = this.#accounts.get(recipientId);
    if (recipient === undefined) throw refusal(Reason.RECIPIENT_UNKNOWN);
    if (recipient.svrSeq === LAST_SEQ) throw refusal(Reason.SEQ_EXHAUSTED);
    if (recipient.pending.length >= this.limits.pendingMessages) throw refusal(Reason.BACKLOG_FULL);
    if (this.#records.size >= this.limits.dedupRecords) throw tryAgain("too many messages at the moment");

    // Nothing has changed so far, so every refusal above leaves no trace.
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
    this.tip(recipient);
    return acceptedAt;
  }

  /** Acknowledges up to `cliSeq`, and answers one page of what follows. Throws a ConnectError if it is refused. */
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
      bells: new Set<Bell>(),
    };
    this.#accounts.set(userId, account);
    this.#tokens.set(sha256(token), account);
    return { userId, token };
  }

  /** Makes an inbox go on as after a loss of data. False if there is no such account. */
  rotateEpoch(userId: string): boolean {
    const account = this.#accounts.get(userId);
    if (account === undefined) return false;
    Object.assign(account, { epoch: this.newEpoch(), svrSeq: 0, ackedSeq: 0, pending: [] });
    this.tip(account);
    return true;
  }

  /** False if there is no such token. */
  revokeToken(token: string): boolean {
    const account = this.accountOf(token);
    this.#tokens.delete(sha256(token));
    // Open watches look whether their token is still good.
    for (const bell of account?.bells ?? []) bell.ring();
    return account !== undefined;
  }

  /** The server's clock. It is no order: a clock may be set back. */
  protected now(): Timestamp {
    return timestampNow();
  }

  /** Random, so that it was never there before, even if everything was forgotten. */
  protected newEpoch(): string {
    return randomBytes(16).toString("base64url");
  }

  /** Wakes the watchers of an inbox. */
  protected tip(inbox: Account): void {
    for (const bell of inbox.bells) bell.ring();
  }

  /** The first messages, as many as the limits allow and at least one. */
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

  /** The oldest records come first, and all live equally long. */
  #forgetExpiredRecords(): void {
    const now = performance.now();
    for (const [key, { expires }] of this.#records) {
      if (expires > now) return;
      this.#records.delete(key);
    }
  }
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("base64");
