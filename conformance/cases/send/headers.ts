import type { Case } from "../../harness/case.js";
import { answered, METHOD, rawCall, sendOf } from "../../harness/raw-calls.js";

/** Send: headers by which gateways know a request again. Here the id does that, and nothing else. */
export const sendHeaders: readonly Case[] = [
  {
    // § SEND-VISIBLE: Once a Send was answered with success, every Sync of the recipient that begins later MUST report
    // § a `svr_seq` that covers its message, within the epoch in which it was accepted.
    id: "send/same-headers",
    title: "two messages of alice have the same Idempotency-Key and X-Request-Id, and ids of their own; bob gets both",
    requirements: ["SEND-VISIBLE", "SEND-ACCEPT"],
    async run(t) {
      const { bob, alice } = t;
      const key = t.newId();
      const headers = {
        "idempotency-key": key,
        "x-idempotency-key": key,
        "x-request-id": key,
        "x-correlation-id": key,
      };
      const sent = [];
      for (const text of ["first", "second"]) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(text) });
        const answer = await rawCall(t, "SEND-ACCEPT", { ...call, headers });
        const what = `the ${text} Send with an Idempotency-Key`;
        const { acceptedAt } = answered(t, "SEND-ACCEPT", METHOD.Send.output, answer, what);
        sent.push({ ...send, acceptedAt });
      }
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "SEND-VISIBLE", "a Send counted as the one before it, whose headers it has");
    },
  },
];
