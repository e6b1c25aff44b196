import { hash as digest, randomBytes } from "node:crypto";
import { Reason } from "../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "./errors.js";
import type { Inbox } from "./inbox.js";

/** Hears of what happens to one account. Its methods must not throw, and must not wait. */
export interface Watcher {
  /** The credential that it was opened with. */
  readonly tokenHash: string;
  /** The inbox has moved. */
  changed(): void;
  /** The credential is no longer valid. */
  revoked(): void;
}

export interface Account {
  readonly userId: string;
  readonly inbox: Inbox;
  readonly watchers: Set<Watcher>;
}

/** Who a call comes from. */
export interface Caller {
  readonly account: Account;
  readonly tokenHash: string;
}

/** The longest token that is looked at, in bytes (AUTH-TOKEN-SIZE). */
const MAX_TOKEN_BYTES = 4096;

/**
 * All accounts, by user id and by credential. Tokens are kept and looked up as SHA-256 hashes: nothing that is compared byte by
 * byte depends on the secret, and a dump of this table logs nobody in.
 */
export class Accounts {
  readonly #byUserId = new Map<string, Account>();
  readonly #byTokenHash = new Map<string, Account>();
  readonly #maxAccounts: number;

  constructor(maxAccounts: number) {
    this.#maxAccounts = maxAccounts;
  }

  get(userId: string): Account | undefined {
    return this.#byUserId.get(userId);
  }

  add(userId: string, token: string, inbox: Inbox): Account {
    if (this.#byUserId.size >= this.#maxAccounts) {
      throw new Refusal("resource_exhausted", `this server takes ${this.#maxAccounts} accounts at most`);
    }
    if (this.#byUserId.has(userId)) throw new Refusal("already_exists", "there is an account of that name");
    const tokenHash = hash(token);
    // A token stands for one account: given to a second one, it would lock the first one out.
    if (this.#byTokenHash.has(tokenHash)) throw new Refusal("already_exists", "another account has that token");
    const account: Account = { userId, inbox, watchers: new Set() };
    this.#byUserId.set(userId, account);
    this.#byTokenHash.set(tokenHash, account);
    return account;
  }

  /** Finds the caller from an `Authorization` header's value, or refuses with CREDENTIAL_INVALID. */
  authenticate(authorization: string | undefined): Caller {
    const token = bearerToken(authorization);
    if (token !== undefined && token.length <= MAX_TOKEN_BYTES) {
      const tokenHash = hash(token);
      const account = this.#byTokenHash.get(tokenHash);
      if (account !== undefined) return { account, tokenHash };
    }
    throw refuse(Reason.CREDENTIAL_INVALID, "a valid bearer token is needed");
  }

  /** Makes a token invalid and ends the watches that it opened. False if there is no such token. */
  revoke(token: string): boolean {
    const tokenHash = hash(token);
    const account = this.#byTokenHash.get(tokenHash);
    if (account === undefined) return false;
    this.#byTokenHash.delete(tokenHash);
    for (const watcher of account.watchers) if (watcher.tokenHash === tokenHash) watcher.revoked();
    return true;
  }
}

/** The token of `Authorization: Bearer <token>`; the scheme's case does not matter (RFC 9110). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1];
}

/** 192 random bits. */
export const newToken = (): string => randomBytes(24).toString("base64url");

export const hash = (token: string): string => digest("sha256", token, "base64");
