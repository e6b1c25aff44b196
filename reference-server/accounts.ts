import { hash as digest, randomBytes } from "node:crypto";
import { Reason } from "../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "./errors.js";
import type { Inbox } from "./inbox.js";

/** Is notified of the changes of one account. Its methods must neither throw nor block. */
export interface Watcher {
  /** Hash of the token that opened the Watch. */
  readonly tokenHash: string;
  /** Is called after the state of the inbox has changed. */
  changed(): void;
  /** Is called after the token was revoked. */
  revoked(): void;
}

export interface Account {
  readonly userId: string;
  readonly inbox: Inbox;
  readonly watchers: Set<Watcher>;
}

/** The authenticated sender of a request. */
export interface Caller {
  readonly account: Account;
  readonly tokenHash: string;
}

/** Maximum length of a token, in bytes (AUTH-TOKEN-SIZE). */
const MAX_TOKEN_BYTES = 4096;

/**
 * The accounts, by user id and by token (spec, "Authentication"). Tokens are stored and looked up as
 * SHA-256 hashes: the lookup time does not depend on the secret, and a copy of the table contains no valid token.
 */
export class Accounts {
  readonly #byUserId = new Map<string, Account>();
  readonly #byTokenHash = new Map<string, Account>();
  readonly #maxAccounts: number;

  /** @param maxAccounts Maximum number of accounts. From 1. */
  constructor(maxAccounts: number) {
    this.#maxAccounts = maxAccounts;
  }

  get(userId: string): Account | undefined {
    return this.#byUserId.get(userId);
  }

  /**
   * Adds an account.
   *
   * @throws Refusal `resource_exhausted` at the maximum number of accounts; `already_exists` if the user id or the
   * token is in use.
   */
  add(userId: string, token: string, inbox: Inbox): Account {
    if (this.#byUserId.size >= this.#maxAccounts) {
      throw new Refusal("resource_exhausted", `this server has its maximum of ${this.#maxAccounts} accounts`);
    }
    if (this.#byUserId.has(userId)) throw new Refusal("already_exists", "an account has this user id");
    const tokenHash = hash(token);
    // A token identifies one account. If a second one had the same token, no client could use the first one.
    if (this.#byTokenHash.has(tokenHash)) throw new Refusal("already_exists", "another account has this token");
    const account: Account = { userId, inbox, watchers: new Set() };
    this.#byUserId.set(userId, account);
    this.#byTokenHash.set(tokenHash, account);
    return account;
  }

  /**
   * Finds the caller by the value of the `Authorization` header.
   *
   * @throws Refusal CREDENTIAL_INVALID if there is no token, or an unknown or revoked one.
   */
  authenticate(authorization: string | undefined): Caller {
    const token = bearerToken(authorization);
    if (token !== undefined && token.length <= MAX_TOKEN_BYTES) {
      const tokenHash = hash(token);
      const account = this.#byTokenHash.get(tokenHash);
      if (account !== undefined) return { account, tokenHash };
    }
    throw refuse(Reason.CREDENTIAL_INVALID, "a valid bearer token is needed");
  }

  /** Revokes a token and ends the Watches that it opened. Returns false if there is no such token. */
  revoke(token: string): boolean {
    const tokenHash = hash(token);
    const account = this.#byTokenHash.get(tokenHash);
    if (account === undefined) return false;
    this.#byTokenHash.delete(tokenHash);
    for (const watcher of account.watchers) if (watcher.tokenHash === tokenHash) watcher.revoked();
    return true;
  }
}

/** Returns the token of `Authorization: Bearer <token>`. The scheme is case-insensitive (RFC 9110). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1];
}

/** Creates a token of 192 random bits. */
export const newToken = (): string => randomBytes(24).toString("base64url");

export const hash = (token: string): string => digest("sha256", token, "base64");
