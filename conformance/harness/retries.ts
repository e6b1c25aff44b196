import type { Sent, TestAccount } from "./account.js";
import type { Context } from "./context.js";

export function expectSameAcceptedAt(
  t: Context,
  again: Sent,
  first: Sent,
  requirement: "SEND-RETRY" | "SEND-RETRY-CONCURRENT",
) {
  const text = ({ acceptedAt }: Sent) => `${acceptedAt?.seconds} s ${acceptedAt?.nanos} ns`;
  t.equal(text(again), text(first), requirement, "a repetition was answered with another accepted_at");
}

/** Sends a message once more, and expects the answer that the first one got. */
export async function expectSameAnswerOnRetry(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  first: Sent,
  requirement: "SEND-RETRY" | "SEND-RETRY-LATER" | "SEND-RETRY-FIRST",
): Promise<void> {
  const again = await t.blaming(requirement, () => from.send(to, first.payload, { id: first.clientMessageId }));
  await t.blaming(requirement, async () => expectSameAcceptedAt(t, again, first, "SEND-RETRY"));
}
