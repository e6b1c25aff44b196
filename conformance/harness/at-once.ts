import { NoResponseFailure } from "../findings.js";
import { afterDeadline } from "../transport/deadline.js";
import type { Context } from "./context.js";

/** Time limit for a response that must not wait for an event, in milliseconds (ruling R29). */
const AT_ONCE_MS = 5000;

/** Makes a call, and expects its response without a wait for an event. A late one violates `requirement`. */
export async function atOnce<T>(
  t: Context,
  requirement: "SYNC-EMPTY" | "SYNC-ANSWER" | "SEND-ACCEPT",
  rpc: "Send" | "Sync",
  call: () => Promise<T>,
): Promise<T> {
  const limit = t.deadline(AT_ONCE_MS);
  let cancelTimer = () => {};
  const timeout = new Promise<never>((_, reject) => {
    const why = `no response within ${limit} ms`;
    cancelTimer = afterDeadline(limit, () => reject(new NoResponseFailure(requirement, rpc, why)));
  });
  try {
    return await Promise.race([call(), timeout]);
  } finally {
    cancelTimer();
  }
}
