import { explain } from "./explain.js";

/** No whole answer came: whether the request had its effect, nobody knows. */
export class NoResponseError extends Error {
  override readonly name = "LostAnswer";
  /** What to look into, if that can be told. */
  readonly hint: string | undefined;

  constructor(message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** Says of whatever went wrong on the wire what it means. */
export function noResponse(error: unknown): NoResponseError {
  if (error instanceof NoResponseError) return error;
  const { why, hint } = explain(error);
  return new NoResponseError(why, { cause: error, ...(hint === undefined ? {} : { hint }) });
}
