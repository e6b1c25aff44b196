import type { Case } from "../../harness/case.js";
import {
  answered,
  broken,
  describeAnswer,
  hasNoStore,
  METHOD,
  type RawCall,
  rawCall,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { firstFrame, rawWatch } from "../../harness/raw-watch.js";
import { emptyOf } from "./calls.js";

/** HTTP binding: headers. */
export const httpHeaders: readonly Case[] = [
  {
    // § HTTP-VERSION-HEADER: A server MUST NOT require the header `Connect-Protocol-Version`.
    id: "http/version-header",
    title: "each call is made without Connect-Protocol-Version, and with 1",
    requirements: ["HTTP-VERSION-HEADER"],
    async run(t) {
      const { bob, alice } = t;
      const rule = "HTTP-VERSION-HEADER";
      for (const headers of [{}, { "connect-protocol-version": "1" }]) {
        const how = `${"connect-protocol-version" in headers ? "with" : "without"} Connect-Protocol-Version`;
        const info = { rpc: "GetServerInfo", body: emptyOf(t.session.codec) } as const;
        for (const call of [info, sendOf(t, alice, bob), syncOf(t, bob)]) {
          const answer = await rawCall(t, rule, { ...call, headers });
          answered(t, rule, METHOD[call.rpc].output, answer, `a ${call.rpc} ${how}`);
        }
        if (!rpcsOf(t).includes("Watch")) continue;
        firstFrame(t, rule, await rawWatch(t, { token: bob.token, headers, until: "a frame" }), `a Watch ${how}`);
      }
    },
  },
  {
    // § HTTP-BINARY: A server MUST accept a unary request whose content type is `application/proto` and whose body is
    // § the binary encoding of the request message, nothing more, and MUST answer it, if it succeeds, with HTTP status
    // § 200 and the binary encoding of the response message.
    id: "http/range",
    title: "each call is made with a Range, which in HTTP means nothing for a POST; each answer is whole",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      for (const call of [{ rpc: "GetServerInfo" as const }, sendOf(t, alice, bob), syncOf(t, bob)]) {
        const answer = await rawCall(t, "HTTP-BINARY", { ...call, headers: { range: "bytes=0-1" } });
        answered(t, "HTTP-BINARY", METHOD[call.rpc].output, answer, `a ${call.rpc} with a Range`);
      }
    },
  },
  {
    // § HTTP-NO-STORE: Every successful answer and every Connect error to a POST of Send or Sync MUST carry the header
    // § `Cache-Control` with the directive `no-store`.
    id: "http/no-store",
    title: "answers and errors of Send and Sync say that nobody may keep them",
    requirements: ["HTTP-NO-STORE"],
    async run(t) {
      const { bob, alice } = t;
      const send = sendOf(t, alice, bob);
      for (const [what, call] of [
        ["a Send", send],
        ["a Send that repeats another", send],
        ["a Sync", syncOf(t, bob)],
        ["a Sync of who has everything", syncOf(t, bob, { cliSeq: bob.base + 1 })],
      ] as const) {
        const answer = await rawCall(t, "HTTP-NO-STORE", call);
        t.equal(answer.status, 200, call.rpc === "Send" ? "SEND-ACCEPT" : "SYNC-ANSWER", `the status of ${what}`);
        hasNoStore(t, answer, `the answer to ${what}`);
      }
      const refusals: [string, RawCall][] = [
        ["a Send without an id", sendOf(t, alice, bob, { clientMessageId: "" })],
        ["a Send to nobody", sendOf(t, alice, { userId: `nobody-${t.newId()}` })],
        ["a Send without a credential", { ...sendOf(t, alice, bob), by: undefined }],
        ["a Sync that is ahead", syncOf(t, bob, { cliSeq: 0xffff_ffff })],
        ["a Sync with a wrong epoch", syncOf(t, bob, { epoch: `not-${t.newId()}` })],
        ["a Sync without a credential", { ...syncOf(t, bob), by: undefined }],
        ["a Send that does not decode", { ...sendOf(t, alice, bob), body: broken(t, sendOf(t, alice, bob).body) }],
        ["a Sync that does not decode", { ...syncOf(t, bob), body: broken(t, syncOf(t, bob).body) }],
        ["a Sync in an unknown encoding", { ...syncOf(t, bob), headers: { "content-encoding": "x-seqsync-unknown" } }],
      ];
      for (const [what, call] of refusals) {
        const answer = await rawCall(t, "HTTP-NO-STORE", call);
        if (answer.refusal === undefined) t.fail("ERR-SHAPE", what, "a Connect error", describeAnswer(answer));
        hasNoStore(t, answer, `the refusal of ${what}`);
      }
    },
  },
];
