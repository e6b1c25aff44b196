import type { Credentials } from "../rpc/client.js";

/** What a case wants of the accounts that it gets. */
export interface AccountRequest {
  /** How many. */
  count: number;
  /** New ones: nothing was ever sent to them. */
  fresh?: boolean;
  /** Where the inbox of the first one is to stand; more than 0 only fixtures can do. */
  startSeq?: number;
}

/** An account for the time of one case. */
export interface Lease extends Credentials {
  /** Where its inbox stands, if it is new; undefined if it may have a past. */
  startSeq: number | undefined;
}

/** There are no accounts to be had. */
export interface Unavailable {
  /** Why, and what would help. */
  unavailable: string;
}

/** A way to get accounts. Nobody else uses a leased account until it is given back. */
export interface AccountSource {
  /** For people, such as "fixture service". */
  readonly description: string;
  /** Why a wish cannot be fulfilled and what would help; undefined if it can. */
  unavailableReason(wish: AccountRequest): string | undefined;
  /** Waits until the accounts are free. */
  lease(wish: AccountRequest): Promise<Lease[]>;
  /** Gives accounts back. */
  release(leases: readonly Lease[]): void;
  /** Makes an inbox lose its data; `onAttempt` hears of each time that this is asked for. Undefined if this route has no way to. */
  readonly rotateEpoch: ((userId: string, onAttempt?: () => void) => Promise<void>) | undefined;
  /** Makes a token invalid; undefined if this route has no way to. */
  readonly revokeToken: ((token: string) => Promise<void>) | undefined;
}
