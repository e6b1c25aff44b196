import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  answered,
  describeAnswer,
  METHOD,
  pathOf,
  rawCall,
  rawOnce,
  rawRefused,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { firstFrame, rawWatch, refusalOf } from "../../harness/raw-watch.js";
import { authorization } from "../../rpc/session.js";

/** Authentication: what is a credential and what is none. */
export const authCredentials: readonly Case[] = [
  {
    // § AUTH-REQUIRED: A Send or Sync without a credential, or with one that the server does not know, MUST be refused
    // § with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/no-credential",
    title: "a Sync and a Send to bob without any credential are refused and change nothing",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "calls without a credential", async () => {
        const sync = await bob.device().trySync({ cliSeq: bob.base + 1 }, { token: null });
        t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a credential");
        const send = await alice.trySend(bob, "from nobody", { token: null });
        t.refused(send, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Send without a credential");
      });
    },
  },
  {
    id: "auth/unknown-token",
    title: "tokens that are nearly bob's or alice's are refused, each like no token at all",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "calls with unknown tokens", async () => {
        for (const token of ["", ...almost(bob, t)]) {
          const answer = await rawCall(t, "AUTH-REQUIRED", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: `Bearer ${token}` },
          });
          rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", `a Sync with ${tokenText(token, bob)}`);
        }
        for (const token of almost(alice, t)) {
          const answer = await rawCall(t, "AUTH-REQUIRED", {
            ...sendOf(t, alice, bob),
            headers: { authorization: `Bearer ${token}` },
          });
          rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", `a Send with ${tokenText(token, alice)}`);
        }
      });
    },
  },
  {
    id: "auth/malformed-token",
    title: "tokens with a space, quotes, or bytes beyond ASCII in them are no credential",
    requirements: ["AUTH-REQUIRED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const half = Math.ceil(bob.token.length / 2);
      const [front, back] = [bob.token.slice(0, half), bob.token.slice(half)];
      await t.unchanged(bob, "ERR-UNCHANGED", "a Sync with a malformed token", async () => {
        for (const token of [`"${bob.token}"`, `${front}\xfc${back}`, `${front} ${back}`, `\xff\xfe\xfd`]) {
          const answer = await rawCall(t, "AUTH-REQUIRED", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: `Bearer ${token}` },
          });
          // An HTTP server may find that it cannot read such a header at all.
          if (answer.status === 400 && answer.refusal === undefined) continue;
          rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync with a malformed token");
        }
      });
    },
  },
  {
    // § AUTH-SCHEME: A server MUST take the credential from the header `Authorization: Bearer <token>`, with the word
    // § `Bearer` in any mixture of cases, and MUST NOT take a token that comes under another scheme or without one.
    id: "auth/word-bearer-in-any-case",
    title: "bob syncs, sends and watches with bearer, BEARER and bEaReR",
    requirements: ["AUTH-SCHEME"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      for (const word of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
        const answer = await rawCall(t, "AUTH-SCHEME", {
          ...syncOf(t, bob),
          headers: { authorization: `${word} ${bob.token}` },
        });
        const page = answered(t, "AUTH-SCHEME", METHOD.Sync.output, answer, `a Sync with the word ${word}`);
        t.equal(page.svrSeq, bob.base + 1, "AUTH-SCHEME", `the word ${word} led to another inbox`);
        const headers = { authorization: `${word} ${bob.token}` };
        const sent = await rawCall(t, "AUTH-SCHEME", { ...sendOf(t, bob, alice), headers });
        answered(t, "AUTH-SCHEME", METHOD.Send.output, sent, `a Send with the word ${word}`);
        if (!rpcsOf(t).includes("Watch")) continue;
        const seen = await rawWatch(t, { token: undefined, headers, until: "a frame" });
        firstFrame(t, "AUTH-SCHEME", seen, `a Watch with the word ${word}`);
      }
    },
  },
  {
    id: "auth/other-schemes",
    title: "bob's token as Basic, Token, Digest, or with no scheme at all is no credential",
    requirements: ["AUTH-SCHEME", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const basic = Buffer.from(`${bob.userId}:${bob.token}`).toString("base64");
      const { token } = bob;
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with another scheme", async () => {
        for (const value of [
          `Basic ${token}`,
          `Basic ${basic}`,
          `Token ${token}`,
          `Digest ${token}`,
          `Bearers ${token}`,
          token,
        ]) {
          const answer = await rawCall(t, "AUTH-SCHEME", {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: { authorization: value },
          });
          const scheme = value === token ? "no scheme" : `the scheme ${value.split(" ", 1)[0]}`;
          rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-SCHEME", `a valid token with ${scheme}`);
          const send = await rawCall(t, "AUTH-SCHEME", { ...sendOf(t, bob, bob), headers: { authorization: value } });
          rawRefused(t, send, Reason.CREDENTIAL_INVALID, "AUTH-SCHEME", `a Send with a valid token with ${scheme}`);
          if (!rpcsOf(t).includes("Watch")) continue;
          const what = `a Watch with a valid token with ${scheme}`;
          const seen = await rawWatch(t, { token: undefined, headers: { authorization: value }, until: "the end" });
          const { code } = await t.blaming("AUTH-SCHEME", async () => refusalOf(t, seen, what));
          t.equal(code, "unauthenticated", "AUTH-SCHEME", `the code of ${what}`);
        }
      });
      await bob.device().sync();
    },
  },
  {
    id: "auth/token-in-the-url",
    title: "bob's token in the query of the URL, and nowhere else, is no credential",
    requirements: ["AUTH-SCHEME", "ERR-UNCHANGED"],
    // URLs are kept in logs: the token of an account that somebody uses must not get there.
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const query = new URLSearchParams({ access_token: bob.token, token: bob.token });
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with a token in its URL", async () => {
        for (const { by: _, ...call } of [syncOf(t, bob, { cliSeq: bob.base + 1 }), sendOf(t, bob, bob)]) {
          const answer = await rawCall(t, "AUTH-SCHEME", { ...call, path: `${pathOf(call.rpc)}?${query}` });
          // How it is refused may depend on the query as well: it may be too long.
          const what = `a ${call.rpc} with a token in its URL, and in no header,`;
          if (answer.status === 200)
            t.fail("AUTH-SCHEME", what, "a refusal with CREDENTIAL_INVALID", "it was accepted");
        }
      });
    },
  },
  {
    // § AUTH-TOKEN-SIZE: A server MUST treat a token of up to 4096 bytes like any other, and MUST refuse a call with a
    // § longer one with `unauthenticated` or with HTTP status 400 or 431.
    id: "auth/token-of-4096-bytes",
    title:
      "Syncs with unknown tokens of 1000, 4000 and 4096 bytes are refused like any other, and so are Send and Watch",
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
        const answer = await rawCall(t, "AUTH-TOKEN-SIZE", { ...call, headers: authorization("x".repeat(size)) });
        const expected = "a refusal with CREDENTIAL_INVALID, as for a short one";
        const what = `an unknown token of ${size} bytes is not treated like any other by ${call.rpc}`;
        t.that(answer.refusal?.code === "unauthenticated", "AUTH-TOKEN-SIZE", what, expected, describeAnswer(answer));
        rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-TOKEN-SIZE", `a token of ${size} bytes`);
      }
      if (rpcsOf(t).includes("Watch")) {
        const what = `a Watch with an unknown token of ${longest} bytes`;
        const seen = await rawWatch(t, { token: "x".repeat(longest), until: "the end" });
        const { code } = await t.blaming("AUTH-TOKEN-SIZE", async () => refusalOf(t, seen, what));
        t.equal(code, "unauthenticated", "AUTH-TOKEN-SIZE", `the code of ${what}`);
      }
      await bob.device().sync();
    },
  },
  {
    id: "auth/token-over-4096-bytes",
    title: "tokens of 4097 to 60,000 bytes are refused, and the server goes on to serve bob",
    requirements: ["AUTH-TOKEN-SIZE", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "ERR-UNCHANGED", "a Sync with a token that is too long", async () => {
        for (const size of [4097, 9000, 60_000]) {
          const answer = await rawOnce(t, {
            ...syncOf(t, bob, { cliSeq: bob.base + 1 }),
            headers: authorization(bob.token.padEnd(size, "x")),
          });
          // Who stops reading and closes may cut off the client before it has seen the answer.
          if ("lost" in answer) continue;
          const fits = answer.refusal?.code === "unauthenticated" || [400, 431].includes(answer.status);
          const expected = "unauthenticated, or HTTP 400 or 431";
          t.that(fits, "AUTH-TOKEN-SIZE", `a token of ${size} bytes`, expected, describeAnswer(answer));
        }
      });
    },
  },
];

/** Tokens that a careless comparison would take for this party's. None of them is anybody's here. */
export function almost({ token }: TestAccount, t: Context): string[] {
  const { length } = token;
  const swapped = token.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
  const tries = [
    token.slice(0, Math.ceil(length / 2)),
    // In the signature of a signed one, in what is signed, and in what says how it is.
    ...[0, Math.floor(length / 2), length - 1].map(
      (at) => token.slice(0, at) + another(token, at) + token.slice(at + 1),
    ),
    swapped,
    token.slice(0, -1),
    ...["null", "undefined", "*"],
  ];
  if (length <= 2048) tries.push(token + token);
  return tries.filter((it) => t.accounts.every((party) => party.token !== it));
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Another character than the one that is there: in base64 it differs in the first of its six bits, as the last ones may be spare. */
const another = (token: string, at: number) => BASE64[BASE64.indexOf(token[at] ?? "") ^ 32] ?? "A";

/** Says how a token differs without showing it. */
export function tokenText(token: string, { token: real }: TestAccount): string {
  if (token === "") return "an empty token";
  if (token === real + real) return "a valid token twice over";
  if (real.startsWith(token)) return "the beginning of a valid token";
  if (token.toLowerCase() === real.toLowerCase()) return "a valid token in other letters' case";
  return token.length === real.length ? "a valid token with one character changed" : "an unknown token";
}
