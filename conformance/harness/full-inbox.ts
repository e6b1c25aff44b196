import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { RetriesExhausted } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { DefiniteResult } from "../rpc/result.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";

/**
 * Awaits Sends to an inbox that may have to refuse them with this reason. `resource_exhausted` without a reason is a
 * retryable error, such as that of a rate limiter. If the server returns it for this inbox until the last retry, and
 * again when no other calls run, and accepts a Send to another inbox before and after that, then it refuses this inbox
 * and omits the reason: the case fails.
 */
export async function expectReasonOfFullInbox<T>(
  t: Context,
  to: TestAccount,
  sends: readonly Promise<DefiniteResult<T>>[],
  requirement: RequirementId,
  reason: Reason,
): Promise<DefiniteResult<T>[]> {
  try {
    return await Promise.all(sends);
  } catch (error) {
    // One of the other Sends may have caused the rate limit.
    await Promise.allSettled(sends);
    if (isWithoutReason(error) && (await isOnlyThisInbox(t, to))) {
      const what = `Sends to ${to.name} never succeed, while Sends to another inbox do`;
      const expected = `resource_exhausted with the reason ${Reason[reason]}`;
      t.fail(requirement, what, expected, "resource_exhausted without a reason");
    }
    throw error;
  }
}

async function isOnlyThisInbox({ alice }: Context, to: TestAccount): Promise<boolean> {
  await alice.send(alice, "to another inbox");
  try {
    await alice.trySend(to);
    return false;
  } catch (error) {
    if (!isWithoutReason(error)) throw error;
  }
  await alice.send(alice, "to another inbox");
  return true;
}

const isWithoutReason = (error: unknown) =>
  error instanceof RetriesExhausted && error.connectCode === "resource_exhausted";
