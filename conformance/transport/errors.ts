import { codeOf, explain } from "./explain.js";

/** Thrown if there is no complete response: whether the request took effect is indeterminate. */
export class NoResponseError extends Error {
  override readonly name = "NoResponseError";
  /** What the user can check; undefined if there is no suggestion. */
  readonly hint: string | undefined;
  /** Whether the time limit passed while the connection was open. */
  readonly timedOut: boolean;
  /** Whether the same would happen to a later attempt. */
  readonly isPermanent: boolean;

  constructor(
    message: string,
    options: { hint?: string; cause?: unknown; timedOut?: boolean; isPermanent?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.timedOut = options.timedOut ?? false;
    this.isPermanent = options.isPermanent ?? false;
  }
}

/** The error of a request without a complete response within its time limit. */
export const timedOut = (timeoutMs: number) =>
  new NoResponseError(`no response within ${timeoutMs} ms`, { timedOut: true });

/** Thrown if a response is larger than the suite reads: another attempt would be too. */
export class OversizedError extends NoResponseError {
  constructor(maxBytes: number) {
    super(`the response is larger than ${maxBytes} bytes, the most that the suite reads`, { isPermanent: true });
  }
}

/** Thrown if this machine cannot make a connection. It says nothing about the server. */
export class LocalError extends Error {
  override readonly name = "LocalError";
}

/** What is missing on this machine, and what to do, by error code. */
const LOCAL: Readonly<Record<string, string>> = {
  EMFILE:
    "this process has too few file descriptors (EMFILE); raise the limit with `ulimit -n 1024`, or use a lower --concurrency",
  ENFILE: "this machine has no file descriptors left (ENFILE); close other programs, or use a lower --concurrency",
  EADDRNOTAVAIL:
    "this machine has no free port for another connection (EADDRNOTAVAIL); wait a minute, or use a lower --concurrency",
};

/** Converts an error of a connection or a request to one that explains it. */
export function noResponse(error: unknown): NoResponseError | LocalError {
  if (error instanceof NoResponseError || error instanceof LocalError) return error;
  const local = LOCAL[codeOf(error)];
  if (local !== undefined) return new LocalError(local, { cause: error });
  const { why, hint, isPermanent = false } = explain(error);
  return new NoResponseError(why, { cause: error, isPermanent, ...(hint === undefined ? {} : { hint }) });
}
