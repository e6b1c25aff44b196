/** The accounts that a case needs. */
export interface AccountRequest {
  /** Number of accounts. A case needs 0 to 4, a program of an exploration up to 8. */
  count: number;
  /**
   * Whether the accounts must be new: no message was ever sent to them.
   * @default false
   */
  fresh?: boolean;
  /**
   * The seq at which the first account's inbox starts (seq.md). Only the FixtureService can create an inbox that starts
   * above 0.
   * @default 0
   */
  startSeq?: number;
}

/** An account that one case uses alone until it releases it. */
export interface Lease {
  /** Its user id: 1 to 128 bytes of UTF-8. */
  userId: string;
  /** Its bearer token: 1 to 4096 visible ASCII characters. */
  token: string;
  /** The seq at which its inbox starts, if it is new; undefined if the account may have been used before. */
  startSeq: number | undefined;
}

/** The result if no accounts are available. */
export interface Unavailable {
  /** The reason, and the remedy. */
  unavailable: string;
}

/** A source of test accounts. It never leases an account to two cases at the same time. */
export interface AccountSource {
  /** Description for reports, such as "fixture service". */
  readonly description: string;
  /** Returns why a request can never be fulfilled, and the remedy; undefined if it can be fulfilled. */
  unavailableReason(request: AccountRequest): string | undefined;
  /**
   * Leases accounts; waits until enough of them are free.
   *
   * @throws Error if it cannot lease them. The case then has the outcome "error".
   */
  lease(request: AccountRequest): Promise<Lease[]>;
  /**
   * Whether each account is leased only once.
   * @default false
   */
  readonly isSingleUse?: boolean | undefined;
  /** Ends the leases of these accounts. */
  release(leases: readonly Lease[]): void;
  /**
   * Makes an inbox lose its data, so that it gets a new epoch (epoch.md), and calls `onAttempt` before each attempt.
   * Undefined if the source cannot: the cases that need it are then inconclusive.
   */
  readonly rotateEpoch: ((userId: string, onAttempt?: () => void) => Promise<void>) | undefined;
  /** Revokes a token (auth.md). Undefined if the source cannot: the cases that need it are then inconclusive. */
  readonly revokeToken: ((token: string) => Promise<void>) | undefined;
  /**
   * Sets the wall clock of the server to the true time plus `offsetMs` milliseconds, -604800000 to 604800000, and calls
   * `onAttempt` before each attempt. Undefined if the source cannot: the cases that need it are then inconclusive.
   */
  readonly stepClock?: ((offsetMs: number, onAttempt?: () => void) => Promise<void>) | undefined;
}
