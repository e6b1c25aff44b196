import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeResponse,
  expectRawRefusal,
  expectResponse,
  METHOD,
  pathOf,
  rawCall,
  rawRetryingErrors,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { expectFirstFrame, expectStreamRefusal, rawWatch } from "../../harness/raw-watch.js";
import { authorization } from "../../rpc/session.js";

/** Authentication: valid and invalid credentials. */
export const authCredentials: readonly Case[] = [
  {
    // § AUTH-REQUIRED: A Send or Sync without a credential, or with one that the server does not know, MUST be refused
    // § with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/no-credential",
    title: "A Sync and a Send without a credential are refused and change nothing",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "a call without a credential", async () => {
        const sync = await bob.device().trySync({ cliSeq: bob.base + 1 }, { token: null });
        t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a credential");
        const send = await alice.trySend(bob, "without a credential", { token: null });
        t.refused(send, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Send without a credential");
      });
    },
  },
  {
    id: "auth/unknown-token",
    title: "Tokens that differ slightly from valid ones are refused and change nothing",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with an unknown token", async () => {
        for (const token of ["", ...similarTokens(bob, t)]) {
          const response = await rawCall(t, "AUTH-REQUIRED", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: `Bearer ${token}` },
          });
          const what = `a Sync with ${describeToken(token, bob)}`;
          expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", what);
        }
        for (const token of similarTokens(alice, t)) {
          const response = await rawCall(t, "AUTH-REQUIRED", {
            ...sendOf(t, alice, bob),
            headers: { authorization: `Bearer ${token}` },
          });
          const what = `a Send with ${describeToken(token, alice)}`;
          expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", what);
        }
      });
    },
  },
  {
    id: "auth/malformed-token",
    title: "Tokens with spaces, quotes or bytes above 0x7f are refused and change nothing",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const half = Math.ceil(bob.token.length / 2);
      const [front, back] = [bob.token.slice(0, half), bob.token.slice(half)];
      await t.unchanged(bob, "ERR-UNCHANGED", "a Sync with a malformed token", async () => {
        for (const token of [`"${bob.token}"`, `${front}\xfc${back}`, `${front} ${back}`, `\xff\xfe\xfd`]) {
          const response = await rawCall(t, "AUTH-REQUIRED", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: `Bearer ${token}` },
          });
          // An HTTP server may reject such a header before the application sees it.
          if (response.status === 400 && response.refusal === undefined) continue;
          expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync with a malformed token");
        }
      });
    },
  },
  {
    // § AUTH-SCHEME: A server MUST take the credential from the header `Authorization: Bearer <token>`, with the word
    // § `Bearer` in any mixture of cases, and MUST NOT accept a token that comes with another scheme or without a
    // § scheme.
    id: "auth/word-bearer-in-any-case",
    title: "The scheme Bearer is accepted in upper, lower and mixed case by Sync, Send and Watch",
    requirements: ["AUTH-SCHEME"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
        const response = await rawCall(t, "AUTH-SCHEME", {
          ...syncOf(t, bob),
          headers: { authorization: `${scheme} ${bob.token}` },
        });
        const page = expectResponse(t, "AUTH-SCHEME", METHOD.Sync.output, response, `a Sync with the scheme ${scheme}`);
        const violation = `a Sync with the scheme ${scheme} did not return bob's svr_seq`;
        t.fields(page, { svrSeq: bob.base + 1 }, "AUTH-SCHEME", violation);
        const headers = { authorization: `${scheme} ${bob.token}` };
        const sent = await rawCall(t, "AUTH-SCHEME", { ...sendOf(t, bob, alice), headers });
        expectResponse(t, "AUTH-SCHEME", METHOD.Send.output, sent, `a Send with the scheme ${scheme}`);
        if (!rpcsOf(t).includes("Watch")) continue;
        const seen = await rawWatch(t, { token: undefined, headers, until: "a frame" });
        expectFirstFrame(t, "AUTH-SCHEME", seen, `a Watch with the scheme ${scheme}`);
      }
    },
  },
  {
    id: "auth/other-schemes",
    title: "A valid token under a scheme other than Bearer, or without a scheme, is refused",
    requirements: ["AUTH-SCHEME", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const basic = Buffer.from(`${bob.userId}:${bob.token}`).toString("base64");
      const { token } = bob;
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with the wrong scheme", async () => {
        for (const value of [
          `Basic ${token}`,
          `Basic ${basic}`,
          `Token ${token}`,
          `Digest ${token}`,
          `Bearers ${token}`,
          token,
        ]) {
          const response = await rawCall(t, "AUTH-SCHEME", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: value },
          });
          const scheme = value === token ? "no scheme" : `the scheme ${value.split(" ", 1)[0]}`;
          const syncText = `a Sync with a valid token and ${scheme}`;
          expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-SCHEME", syncText);
          const send = await rawCall(t, "AUTH-SCHEME", { ...sendOf(t, bob, bob), headers: { authorization: value } });
          const sendText = `a Send with a valid token and ${scheme}`;
          expectRawRefusal(t, send, Reason.CREDENTIAL_INVALID, "AUTH-SCHEME", sendText);
          if (!rpcsOf(t).includes("Watch")) continue;
          const what = `a Watch with a valid token and ${scheme}`;
          const seen = await rawWatch(t, { token: undefined, headers: { authorization: value }, until: "the end" });
          const { code } = await t.blaming("AUTH-SCHEME", async () => expectStreamRefusal(t, seen, what));
          t.equal(
            { code },
            { code: "unauthenticated" },
            "AUTH-SCHEME",
            `${what} was refused with another code than unauthenticated`,
          );
        }
      });
      await bob.device().sync();
    },
  },
  {
    id: "auth/token-in-the-url",
    title: "A valid token in the query of the URL only is not accepted as a credential",
    requirements: ["AUTH-SCHEME", "ERR-UNCHANGED"],
    // URLs are written to logs, where the token of an account in use must not appear.
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const query = new URLSearchParams({ access_token: bob.token, token: bob.token });
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with its token in the URL only", async () => {
        for (const { by: _, ...call } of [syncOf(t, bob, { cliSeq: bob.base + 1 }), sendOf(t, bob, bob)]) {
          const response = await rawCall(t, "AUTH-SCHEME", { ...call, path: `${pathOf(call.rpc)}?${query}` });
          // Every refusal is accepted here: the server may also refuse the query, for instance because it is too long.
          const what = `a ${call.rpc} with its token in the URL only was accepted`;
          if (response.status === 200)
            t.fail("AUTH-SCHEME", what, "a refusal with CREDENTIAL_INVALID", "HTTP 200: it was accepted");
        }
      });
    },
  },
  {
    // § AUTH-TOKEN-SIZE: A server MUST treat a token of up to 4096 bytes like any other, and MUST refuse a call with a
    // § longer one with `unauthenticated` or with HTTP status 400 or 431.
    id: "auth/token-of-4096-bytes",
    title: "Unknown tokens of up to 4096 bytes are refused like short ones by Sync, Send and Watch",
    requirements: ["AUTH-TOKEN-SIZE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const longest = 4096;
      for (const [call, size] of [
        [syncOf(t, bob), 1000],
        [syncOf(t, bob), 4000],
        [syncOf(t, bob), longest],
        [sendOf(t, bob, alice), longest],
      ] as const) {
        const response = await rawCall(t, "AUTH-TOKEN-SIZE", { ...call, headers: authorization("x".repeat(size)) });
        const expected = "a refusal with CREDENTIAL_INVALID, as for a short token";
        const what = `a ${call.rpc} with an unknown token of ${size} bytes was not refused like one with a short token`;
        t.that(
          response.refusal?.code === "unauthenticated",
          "AUTH-TOKEN-SIZE",
          what,
          expected,
          describeResponse(response),
        );
        const description = `a ${call.rpc} with a token of ${size} bytes`;
        expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-TOKEN-SIZE", description);
      }
      if (rpcsOf(t).includes("Watch")) {
        const what = `a Watch with an unknown token of ${longest} bytes`;
        const seen = await rawWatch(t, { token: "x".repeat(longest), until: "the end" });
        const { code } = await t.blaming("AUTH-TOKEN-SIZE", async () => expectStreamRefusal(t, seen, what));
        t.equal(
          { code },
          { code: "unauthenticated" },
          "AUTH-TOKEN-SIZE",
          `${what} was refused with another code than unauthenticated`,
        );
      }
      await bob.device().sync();
    },
  },
  {
    id: "auth/token-over-4096-bytes",
    title: "Tokens of 4097 to 60,000 bytes are refused and change nothing",
    requirements: ["AUTH-TOKEN-SIZE", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "a Sync with a token that is too long", async () => {
        for (const size of [4097, 9000, 60_000]) {
          const result = await rawRetryingErrors(t, {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: authorization(bob.token.padEnd(size, "x")),
          });
          // A server that stops reading and closes may break the connection before the client has read the response.
          if (result.kind === "no-response") continue;
          const response = result.value;
          const fits = response.refusal?.code === "unauthenticated" || [400, 431].includes(response.status);
          const expected = "unauthenticated, or HTTP 400 or 431";
          const violation = `a Sync with a token of ${size} bytes was not refused as specified`;
          t.that(fits, "AUTH-TOKEN-SIZE", violation, expected, describeResponse(response));
        }
      });
    },
  },
];

/** Tokens that a lenient comparison may accept for this account. No account of the case has one of them. */
export function similarTokens({ token }: TestAccount, t: Context): string[] {
  const { length } = token;
  const swapped = token.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
  const candidates = [
    token.slice(0, Math.ceil(length / 2)),
    // In a JWT these positions are in the header, in the payload and in the signature.
    ...[0, Math.floor(length / 2), length - 1].map(
      (at) => token.slice(0, at) + otherCharacter(token, at) + token.slice(at + 1),
    ),
    swapped,
    token.slice(0, -1),
    ...["null", "undefined", "*"],
  ];
  if (length <= 2048) candidates.push(token + token);
  return candidates.filter((it) => t.accounts.every((account) => account.token !== it));
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Another base64 character for this position. It differs in its first bit, as the last bits may be unused. */
const otherCharacter = (token: string, at: number) => BASE64[BASE64.indexOf(token[at] ?? "") ^ 32] ?? "A";

/** Describes how a token differs from the account's, without revealing it. */
export function describeToken(token: string, { token: real }: TestAccount): string {
  if (token === "") return "an empty token";
  if (token === real + real) return "a valid token repeated twice";
  if (real.startsWith(token)) return "a prefix of a valid token";
  if (token.toLowerCase() === real.toLowerCase()) return "a valid token with its case changed";
  return token.length === real.length ? "a valid token with one character changed" : "an unknown token";
}
