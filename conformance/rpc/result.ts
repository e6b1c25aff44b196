import type { ErrorDetail, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";

/** A Connect error. */
export interface Refusal {
  /** HTTP status; 200 for an error at the end of a stream. */
  status: number;
  /** Connect code; empty if there is none. */
  code: string;
  /** Reason of the ErrorDetail; UNSPECIFIED if there is none. */
  reason: Reason;
  detail: ErrorDetail | undefined;
  /** JSON of the error, as received. */
  text: string;
}

/** The result of an attempt, or of a call after its last retry. */
export type CallResult<T> =
  | { kind: "response"; value: T; mayBeTruncated?: boolean }
  /** A definite Connect error: the call had no effect. */
  | { kind: "refusal"; refusal: Refusal }
  /**
   * The server or a proxy asks the client to retry: the outcome is indeterminate. `refusal` is the Connect error, if
   * there is one; `retryAfterMs` the time for which the client shall wait.
   */
  | { kind: "retryable"; why: string; refusal?: Refusal | undefined; retryAfterMs?: number | undefined }
  /**
   * A response that violates the HTTP binding; `requirement` is the one that it violates. `why` is a sentence.
   * `mayBeTruncated`: it ended with its connection, which a proxy may have closed. `isFlood`: it holds more than the
   * suite reads.
   */
  | {
      kind: "malformed";
      requirement: FormRequirement;
      why: string;
      expected?: string;
      actual?: string;
      mayBeTruncated?: boolean;
      isFlood?: boolean;
    }
  /**
   * No complete response: the outcome is indeterminate. `hint` is what the user can check; `isPermanent` whether the
   * same would happen to a later attempt; `isOversized` whether the response is larger than the suite reads.
   */
  | {
      kind: "no-response";
      why: string;
      hint?: string | undefined;
      timedOut?: boolean;
      isPermanent?: boolean;
      isOversized?: boolean;
    };

/** A result that determines whether the call took effect. */
export type DefiniteResult<T> = Extract<CallResult<T>, { kind: "response" | "refusal" }>;

/** Requirements about the form of a response. */
export type FormRequirement =
  | "HTTP-ANSWER-TYPE"
  | "HTTP-BINARY"
  | "HTTP-JSON"
  | "ERR-SHAPE"
  | "HTTP-STREAM"
  | "HTTP-PATH";

/** Delays before the retries of a call, in milliseconds. After the last one, the call is not retried. */
export interface RetryDelays {
  /** After no response. */
  noResponse: readonly number[];
  /** After a retryable error. */
  retryable: readonly number[];
}

export const RETRY_DELAYS: RetryDelays = {
  noResponse: [20, 100, 400, 1500],
  retryable: [20, 100, 400, 1500, 2000, 3000, 5000],
};

/**
 * Number of retries of a call whose response does not decode, and may be a part of one: if that comes again, it is the
 * server's doing.
 */
const TRUNCATED_RETRIES = 2;

/** What determines whether an attempt is followed by another one. */
export interface Attempt {
  kind: string;
  isPermanent?: boolean;
  mayBeTruncated?: boolean;
  /** Time that the server asks the client to wait before the next attempt, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/** The longest time for which a client waits because the server asks for it, in milliseconds. Longer ones are ignored. */
const MAX_RETRY_AFTER_MS = 5000;

/** Returns the delay before the next retry, in milliseconds; undefined if the call is not retried. */
export function retryDelay(
  { kind, isPermanent = false, mayBeTruncated = false, retryAfterMs = 0 }: Attempt,
  retries: number,
  delays: RetryDelays,
): number | undefined {
  if (mayBeTruncated) return retries < TRUNCATED_RETRIES ? delays.noResponse[retries] : undefined;
  if (kind === "retryable") {
    const delay = delays.retryable[retries];
    return delay === undefined || retryAfterMs > MAX_RETRY_AFTER_MS ? delay : Math.max(delay, retryAfterMs);
  }
  return kind === "no-response" && !isPermanent ? delays.noResponse[retries] : undefined;
}
