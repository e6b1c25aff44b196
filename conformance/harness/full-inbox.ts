import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { RetriesExhausted } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Reply } from "../rpc/client.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";

/**
 * What came of Sends to an inbox that may have to refuse them for good, with this reason. `resource_exhausted` without one asks for
 * another try, as a rate limit does. A server that says so of this inbox until patience is at its end, and again when nothing else
 * goes on, and takes a Send to another inbox before and after that, means this inbox: it has not told the reason.
 */
export async function expectReasonOfFullInbox<T>(
  t: Context,
  to: TestAccount,
  sends: readonly Promise<Reply<T>>[],
  requirement: RequirementId,
  reason: Reason,
): Promise<Reply<T>[]> {
  try {
    return await Promise.all(sends);
  } catch (error) {
    // Who made others wait may be one of these Sends.
    await Promise.allSettled(sends);
    if (isBare(error) && (await isOnlyHere(t, to))) {
      const what = `a Send to ${to.name} is never carried out, while those to another inbox are`;
      const expected = `resource_exhausted with the reason ${Reason[reason]}`;
      t.fail(requirement, what, expected, "resource_exhausted without a reason");
    }
    throw error;
  }
}

async function isOnlyHere({ alice }: Context, to: TestAccount): Promise<boolean> {
  await alice.send(alice, "to another inbox");
  try {
    await alice.trySend(to);
    return false;
  } catch (error) {
    if (!isBare(error)) throw error;
  }
  await alice.send(alice, "to another inbox");
  return true;
}

const isBare = (ending: unknown) => ending instanceof RetriesExhausted && ending.why === "resource_exhausted";
