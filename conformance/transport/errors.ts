import { explain } from "./explain.js";

/** Thrown if there is no complete response: whether the request took effect is indeterminate. */
export class NoResponseError extends Error {
  override readonly name = "NoResponseError";
  /** What the user can check; undefined if there is no suggestion. */
  readonly hint: string | undefined;
  /** Whether the time limit passed while the connection was open. */
  readonly timedOut: boolean;

  constructor(message: string, options: { hint?: string; cause?: unknown; timedOut?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.timedOut = options.timedOut ?? false;
  }
}

/** The error of a request without a complete response within its time limit. */
export const timedOut = (timeoutMs: number) =>
  new NoResponseError(`no response within ${timeoutMs} ms`, { timedOut: true });

/** Converts an error of a connection or a request to a NoResponseError that explains it. */
export function noResponse(error: unknown): NoResponseError {
  if (error instanceof NoResponseError) return error;
  const { why, hint } = explain(error);
  return new NoResponseError(why, { cause: error, ...(hint === undefined ? {} : { hint }) });
}
