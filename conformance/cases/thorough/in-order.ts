import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { bytes, type SentMessage, type TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";

/** Number of messages in each direction: more than 2048, so that batches of any usual size meet. */
const COUNT = 2100;

/** Cases with very many messages that are sent one after the other. */
export const inOrder: readonly Case[] = [
  {
    // § SEND-ORDER: If the Send of one message has succeeded before another message to the same recipient is first
    // § sent, the former message MUST have the lower seq, within an epoch.
    id: "send/thousands-in-order",
    title: `Each of ${COUNT} messages that two accounts send to each other one after the other keeps its place`,
    requirements: ["SEND-ORDER", "SEND-VISIBLE"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      await Promise.all([sendInOrder(t, alice, bob), sendInOrder(t, bob, alice)]);
    },
  },
];

/** Sends messages one after the other, and expects them in this order. Drains the inbox whenever it is full. */
async function sendInOrder(t: Context, from: TestAccount, to: TestAccount): Promise<void> {
  const phone = to.device("phone");
  let firstSeq = to.base + 1;
  let pending: SentMessage[] = [];
  const expectAll = async () => {
    t.all(
      await phone.drain(),
      firstSeq,
      pending,
      "SEND-ORDER",
      "messages are not in the order in which they were sent",
    );
    firstSeq += pending.length;
    pending = [];
  };
  for (let sent = 0; sent < COUNT; sent += 1) {
    const payload = bytes(t.filler(`message ${sent + 1}`));
    const id = t.newId();
    let result = await from.trySend(to, payload, { id });
    if (result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL && pending.length > 0) {
      await expectAll();
      result = await from.trySend(to, payload, { id });
    }
    const { acceptedAt } = t.accepted(result, "SEND-ACCEPT");
    pending.push({ clientMessageId: id, payload, acceptedAt });
  }
  await expectAll();
}
