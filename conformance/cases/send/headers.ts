import type { Case } from "../../harness/case.js";
import { expectResponse, METHOD, rawCall, sendOf } from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";

/** Send: headers by which gateways recognise retries. In this protocol only client_message_id identifies a retry. */
export const sendHeaders: readonly Case[] = [
  {
    // § SEND-VISIBLE: Once a Send has succeeded, every Sync of the recipient that begins later MUST report a `svr_seq`
    // § that covers its message, within the epoch in which it was accepted.
    id: "send/same-headers",
    title: "Two Sends with the same Idempotency-Key and X-Request-Id but different ids create two messages",
    requirements: ["SEND-VISIBLE", "SEND-ACCEPT"],
    async run(t) {
      const { bob, alice } = t;
      const key = unique();
      const headers = {
        "idempotency-key": key,
        "x-idempotency-key": key,
        "x-request-id": key,
        "x-correlation-id": key,
      };
      const sent = [];
      for (const text of ["first", "second"]) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(text) });
        const response = await rawCall(t, "SEND-ACCEPT", { ...call, headers });
        const what = `the ${text} Send with an Idempotency-Key`;
        const { acceptedAt } = expectResponse(t, "SEND-ACCEPT", METHOD.Send.output, response, what);
        sent.push({ ...send, acceptedAt });
      }
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "SEND-VISIBLE", "a Send was treated as a retry because of its headers");
    },
  },
];
