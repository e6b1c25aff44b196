import type { Case } from "../../harness/case.js";
import {
  contentTypeOf,
  describeResponse,
  emptyBody,
  expectNoStore,
  expectOk,
  expectResponse,
  METHOD,
  type RawCall,
  rawCall,
  rpcsOf,
  sendOf,
  syncOf,
  truncated,
} from "../../harness/raw-calls.js";
import { expectFirstFrame, rawWatch } from "../../harness/raw-watch.js";
import { unique } from "../../harness/unique.js";
import { EXTRA_HEADERS } from "../../rpc/forms/extra-headers.js";

/** HTTP binding: headers. */
export const httpHeaders: readonly Case[] = [
  {
    // § HTTP-VERSION-HEADER: A server MUST NOT require the header `Connect-Protocol-Version`.
    id: "http/version-header",
    title: "Each RPC accepts calls with and without Connect-Protocol-Version",
    requirements: ["HTTP-VERSION-HEADER"],
    async run(t) {
      const { bob, alice } = t;
      const rule = "HTTP-VERSION-HEADER";
      for (const headers of [{}, { "connect-protocol-version": "1" }]) {
        const how = `${"connect-protocol-version" in headers ? "with" : "without"} Connect-Protocol-Version`;
        const info = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
        for (const call of [info, sendOf(t, alice, bob), syncOf(t, bob)]) {
          const response = await rawCall(t, rule, { ...call, headers });
          expectResponse(t, rule, METHOD[call.rpc].output, response, `a ${call.rpc} ${how}`);
        }
        if (!rpcsOf(t).includes("Watch")) continue;
        expectFirstFrame(t, rule, await rawWatch(t, { token: bob.token, headers, until: "a frame" }), `a Watch ${how}`);
      }
    },
  },
  {
    // § HTTP-HEADERS: A server MUST compare header names without regard to case, MUST accept headers in any order, and
    // § MUST ignore headers that say something about the client, its user or the page that it shows, such as
    // § `User-Agent`, `Accept`, `Cookie`, `Origin` and `traceparent`.
    id: "http/header-names",
    title: "Header names in any case and in any order are accepted",
    requirements: ["HTTP-HEADERS"],
    async run(t) {
      const { bob } = t;
      const rule = "HTTP-HEADERS";
      const spellings: Record<string, (name: string) => string> = {
        "in lower case": (name) => name,
        "in upper case": (name) => name.toUpperCase(),
        "with capitals": (name) => name.replace(/\b./g, (char) => char.toUpperCase()),
        "in mixed case": (name) => name.replace(/.[a-z]/g, (pair) => pair[0] + (pair[1] ?? "").toUpperCase()),
      };
      for (const [how, spell] of Object.entries(spellings)) {
        const authorization = [spell("authorization"), `Bearer ${bob.token}`];
        const headersOf = (rpc: RawCall["rpc"]) => {
          const type = [spell("content-type"), contentTypeOf(rpc, t.session.codec)];
          return [Object.fromEntries([type, authorization]), Object.fromEntries([authorization, type])];
        };
        for (const rpc of ["GetServerInfo", "Sync"] as const) {
          for (const headers of headersOf(rpc)) {
            const body = emptyBody(t.session.codec);
            const response = await rawCall(t, rule, { rpc, contentType: null, headers, body });
            expectResponse(t, rule, METHOD[rpc].output, response, `a ${rpc} with ${describeHeaders(headers)} ${how}`);
          }
        }
        if (!rpcsOf(t).includes("Watch")) continue;
        const [headers = {}] = headersOf("Watch");
        const watch = await rawWatch(t, { token: undefined, contentType: null, headers, until: "a frame" });
        expectFirstFrame(t, rule, watch, `a Watch with ${describeHeaders(headers)} ${how}`);
      }
    },
  },
  {
    id: "http/further-headers",
    title: "Headers that clients, browsers and proxies add do not change the response",
    requirements: ["HTTP-HEADERS"],
    async run(t) {
      const { bob, alice } = t;
      const rule = "HTTP-HEADERS";
      // Always the same Send: a retry leaves no further message in the inbox.
      const send = sendOf(t, alice, bob);
      const info = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
      for (const headers of groupsOf(EXTRA_HEADERS, 6)) {
        const how = `with ${describeHeaders(headers)}`;
        for (const call of [info, send, syncOf(t, bob)]) {
          const response = await rawCall(t, rule, { ...call, headers });
          expectResponse(t, rule, METHOD[call.rpc].output, response, `a ${call.rpc} ${how}`);
        }
        if (!rpcsOf(t).includes("Watch")) continue;
        expectFirstFrame(t, rule, await rawWatch(t, { token: bob.token, headers, until: "a frame" }), `a Watch ${how}`);
      }
    },
  },
  {
    // § HTTP-BINARY: A server MUST accept a unary request whose content type is `application/proto` and whose body is
    // § exactly the binary encoding of the request message, and MUST respond to it, if it succeeds, with HTTP status
    // § 200 and the binary encoding of the response message.
    id: "http/range",
    title: "A Range header, which has no meaning for POST, does not change the response",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      for (const call of [{ rpc: "GetServerInfo" as const }, sendOf(t, alice, bob), syncOf(t, bob)]) {
        const response = await rawCall(t, "HTTP-BINARY", { ...call, headers: { range: "bytes=0-1" } });
        expectResponse(t, "HTTP-BINARY", METHOD[call.rpc].output, response, `a ${call.rpc} with a Range header`);
      }
    },
  },
  {
    // § HTTP-NO-STORE: Every successful response and every Connect error to a POST of Send or Sync MUST carry the
    // § header `Cache-Control` with the directive `no-store`.
    id: "http/no-store",
    title: "Responses and errors of Send and Sync have Cache-Control: no-store",
    requirements: ["HTTP-NO-STORE"],
    async run(t) {
      const { bob, alice } = t;
      const send = sendOf(t, alice, bob);
      for (const [what, call] of [
        ["a Send", send],
        ["a retry of a Send", send],
        ["a Sync", syncOf(t, bob)],
        ["a Sync without pending messages", syncOf(t, bob, { cliSeq: bob.base + 1 })],
      ] as const) {
        const response = await rawCall(t, "HTTP-NO-STORE", call);
        expectOk(t, call.rpc === "Send" ? "SEND-ACCEPT" : "SYNC-ANSWER", response, what);
        expectNoStore(t, response, `the response to ${what}`);
      }
      const refusals: [string, RawCall][] = [
        ["a Send with an empty id", sendOf(t, alice, bob, { clientMessageId: "" })],
        ["a Send to an unknown recipient", sendOf(t, alice, { userId: `nobody-${unique()}` })],
        ["a Send without a credential", { ...sendOf(t, alice, bob), by: undefined }],
        ["a Sync with a cli_seq above svr_seq", syncOf(t, bob, { cliSeq: 0xffff_ffff })],
        ["a Sync with a wrong epoch", syncOf(t, bob, { epoch: `not-${unique()}` })],
        ["a Sync without a credential", { ...syncOf(t, bob), by: undefined }],
        ["a Send with a malformed body", { ...sendOf(t, alice, bob), body: truncated(t, sendOf(t, alice, bob).body) }],
        ["a Sync with a malformed body", { ...syncOf(t, bob), body: truncated(t, syncOf(t, bob).body) }],
        [
          "a Sync with an unknown Content-Encoding",
          { ...syncOf(t, bob), headers: { "content-encoding": "x-seqsync-unknown" } },
        ],
      ];
      for (const [what, call] of refusals) {
        const response = await rawCall(t, "HTTP-NO-STORE", call);
        if (response.refusal === undefined)
          t.fail(
            "ERR-SHAPE",
            `${what} was not refused with a Connect error`,
            "a Connect error",
            describeResponse(response),
          );
        expectNoStore(t, response, `the refusal of ${what}`);
      }
    },
  },
];

/** Splits headers into groups of `size`, with the first value of each. */
function groupsOf(headers: typeof EXTRA_HEADERS, size: number): Record<string, string>[] {
  const all = Object.entries(headers).map(([name, [first = ""]]) => [name, first] as const);
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, group) => Object.fromEntries(all.slice(group * size, (group + 1) * size)));
}

/** Names the headers of a request, for people. */
const describeHeaders = (headers: Readonly<Record<string, string>>) => Object.keys(headers).join(", ");
