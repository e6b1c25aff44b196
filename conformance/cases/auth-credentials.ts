import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { authorization } from "../wire/session.js";
import type { Case } from "./case.js";
import type { Context } from "./context.js";
import type { Party } from "./party.js";
import { answered, describeAnswer, METHOD, rawCall, rawOnce, rawRefused, rpcsOf, sendOf, syncOf } from "./raw-calls.js";
import { firstFrame, rawWatch, refusalOf } from "./raw-watch.js";

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
    title: "bob syncs and watches with bearer, BEARER and bEaReR",
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
        if (!rpcsOf(t).includes("Watch")) continue;
        const headers = { authorization: `${word} ${bob.token}` };
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
      await t.unchanged(bob, "ERR-UNCHANGED", "a Sync with another scheme", async () => {
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
    // § AUTH-TOKEN-SIZE: A server MUST treat a token of up to 4096 bytes like any other, and MUST refuse a call with a
    // § longer one with `unauthenticated` or with HTTP status 400 or 431.
    id: "auth/token-of-4096-bytes",
    title: "unknown tokens of 1000, 4000 and 4096 bytes are refused like any other",
    requirements: ["AUTH-TOKEN-SIZE"],
    async run(t: Context) {
      const { bob } = t;
      for (const size of [1000, 4000, 4096]) {
        const answer = await rawCall(t, "AUTH-TOKEN-SIZE", {
          ...syncOf(t, bob),
          headers: authorization("x".repeat(size)),
        });
        const expected = "a refusal with CREDENTIAL_INVALID, as for a short one";
        const what = `an unknown token of ${size} bytes is not treated like any other`;
        t.that(answer.refusal?.code === "unauthenticated", "AUTH-TOKEN-SIZE", what, expected, describeAnswer(answer));
        rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-TOKEN-SIZE", `a token of ${size} bytes`);
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
function almost({ token }: Party, t: Context): string[] {
  const swapped = token.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
  const first = (token.startsWith("A") ? "B" : "A") + token.slice(1);
  const tries = [token.slice(0, Math.ceil(token.length / 2)), first, swapped, "null", "undefined", "*"];
  if (token.length <= 2048) tries.push(token + token);
  return tries.filter((it) => t.parties.every((party) => party.token !== it));
}

/** Says how a token differs without showing it. */
function tokenText(token: string, { token: real }: Party): string {
  if (token === "") return "an empty token";
  if (token.length > real.length) return "a valid token twice over";
  if (real.startsWith(token)) return "the first half of a valid token";
  if (token.toLowerCase() === real.toLowerCase()) return "a valid token in other letters' case";
  return token.length === real.length ? "a valid token with one character changed" : "an unknown token";
}
