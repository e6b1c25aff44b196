import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { lookAlikes } from "../../harness/look-alikes.js";
import { describeResponse, METHOD, rawCall, sendOf, syncOf } from "../../harness/raw-calls.js";
import { interpret } from "../../rpc/connect.js";

/** Authentication: schemes and headers that are nearly right. */
export const authLookAlikes: readonly Case[] = [
  {
    // § AUTH-SCHEME: A server MUST take the credential from the header `Authorization: Bearer <token>`, with the word
    // § `Bearer` in any mixture of cases, and MUST NOT accept a token that comes with another scheme or without a
    // § scheme.
    id: "auth/schemes-like-bearer",
    title: "A valid token under a scheme that is nearly Bearer is not accepted",
    requirements: ["AUTH-SCHEME", "ERR-UNCHANGED"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const schemes = lookAlikes("Bearer").filter((it) => it.toLowerCase() !== "bearer");
      const values = [...schemes, "Bearer:", "Bearer="].map((scheme) => `${scheme} ${bob.token}`);
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with a scheme that is nearly Bearer", async () => {
        for (const [index, authorization] of [...values, `Bearer${bob.token}`, `Bearer=${bob.token}`].entries()) {
          const { by: _, ...call } = index % 2 === 0 ? syncOf(t, bob, { cliSeq: bob.base + 1 }) : sendOf(t, bob, bob);
          const response = await rawCall(t, "AUTH-SCHEME", { ...call, headers: { authorization } });
          const scheme = authorization.split(bob.token, 1)[0]?.trim();
          // Some of these are no valid header, which an HTTP server may refuse in its own way.
          if (response.status === 200)
            t.fail(
              "AUTH-SCHEME",
              `a ${call.rpc} with a valid token and the scheme ${scheme} was accepted`,
              "a refusal with CREDENTIAL_INVALID",
              describeResponse(response),
            );
        }
      });
    },
  },
  {
    // § AUTH-CREDENTIAL-ONLY: The account for which Send, Sync and Watch act MUST be the account of the credential,
    // § whatever else the request holds.
    id: "auth/headers-like-authorization",
    title: "A token in a header that is nearly Authorization does not select the account",
    requirements: ["AUTH-CREDENTIAL-ONLY"],
    bulk: true,
    // Headers other than Authorization are written to logs, where the token of an account in use must not appear.
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const { clientMessageId } = await alice.send(bob);
      for (const name of ["authorizatio", "authorization2", "x-authorization", "x-original-authorization"]) {
        const headers = { [name]: `Bearer ${bob.token}` };
        const response = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...syncOf(t, alice), headers });
        const result = interpret(t.session.codec, METHOD.Sync.output, response);
        // A server may refuse a call with two credentials.
        if (result.kind !== "response") continue;
        const ids = result.value.messages.map((message) => message.clientMessageId);
        if (ids.includes(clientMessageId))
          t.fail(
            "AUTH-CREDENTIAL-ONLY",
            `a Sync of alice's with bob's token in the header ${name} returned bob's messages`,
            "alice's inbox",
            "bob's inbox",
          );
      }
    },
  },
];
