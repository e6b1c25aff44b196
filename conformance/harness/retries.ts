import type { SentMessage, TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** Expects the retry of a Send to return the `accepted_at` of the first attempt. */
export function expectSameAcceptedAt(
  t: Context,
  retry: SentMessage,
  first: SentMessage,
  requirement: "SEND-RETRY" | "SEND-RETRY-CONCURRENT",
) {
  const text = ({ acceptedAt }: SentMessage) => `${acceptedAt?.seconds} s ${acceptedAt?.nanos} ns`;
  t.equal(text(retry), text(first), requirement, "a retry returned a different accepted_at");
}

/** Retries a Send, and expects the same response as for the first attempt. */
export async function expectSameResponseOnRetry(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  first: SentMessage,
  requirement: "SEND-RETRY" | "SEND-RETRY-LATER" | "SEND-RETRY-FIRST",
): Promise<void> {
  const retry = await t.blaming(requirement, () => from.send(to, first.payload, { id: first.clientMessageId }));
  await t.blaming(requirement, async () => expectSameAcceptedAt(t, retry, first, "SEND-RETRY"));
}
