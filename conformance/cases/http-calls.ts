import { mediaType } from "../wire/connect.js";
import type { Case } from "./case.js";
import {
  answered,
  broken,
  contentTypeOf,
  describeAnswer,
  exchange,
  METHOD,
  pathOf,
  type RawAnswer,
  type RawCall,
  rawCall,
  rpcsOf,
  sendOf,
  syncOf,
} from "./raw-calls.js";

/** HTTP binding: paths, methods and headers. */
export const httpCalls: readonly Case[] = [
  {
    // § HTTP-PATH: A server MUST serve each RPC that it has at `POST <base>/seqsync.v1.SeqSyncService/<Method>`, over
    // § HTTP/1.1 at least.
    id: "http/paths",
    title: "alice asks for the server's info, sends and syncs, each over plain HTTP/1.1 at its path",
    requirements: ["HTTP-PATH"],
    async run(t) {
      const { bob, alice } = t;
      for (const call of [
        { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) },
        sendOf(t, alice, bob),
        syncOf(t, bob),
      ]) {
        const status = await exchange(t, "HTTP-PATH", call);
        t.equal(status, 200, "HTTP-PATH", `the status of ${call.rpc} over HTTP/1.1 at ${pathOf(call.rpc)}`);
      }
      const page = await bob.device().sync();
      t.equal(page.svrSeq, bob.base + 1, "HTTP-PATH", "a Send at its path was answered and did nothing");
    },
  },
  {
    // § HTTP-NOT-FOUND: A server MUST answer a POST to a path that begins with `<base>/seqsync.v1.` and names no RPC of
    // § this specification with HTTP status 404, and MUST NOT change any state.
    id: "http/unknown-rpc",
    title: "alice posts a right Send to paths that are no RPC; each answers 404 and bob gets nothing",
    requirements: ["HTTP-NOT-FOUND"],
    async run(t) {
      const { bob, alice } = t;
      const paths = [
        "/seqsync.v1.SeqSyncService/Receive",
        "/seqsync.v1.SeqSyncService/Send2",
        "/seqsync.v1.NoService/Send",
      ];
      await t.unchanged(bob, "HTTP-NOT-FOUND", "a call of no RPC", async () => {
        for (const path of paths) {
          const answer = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path });
          t.equal(answer.status, 404, "HTTP-NOT-FOUND", `the status at ${path}`);
        }
      });
      await alice.send(bob);
    },
  },
  {
    // § HTTP-METHOD: A server MUST answer GET, HEAD, PUT, PATCH and DELETE on the path of an RPC that it has with HTTP
    // § status 405, and MUST NOT carry out a call by any method but POST.
    id: "http/other-methods",
    title: "GET, HEAD, PUT, PATCH and DELETE at each RPC are answered with 405 and do nothing",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-METHOD", "a call by another method than POST", async () => {
        for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"] as const) {
          const hasBody = method !== "GET" && method !== "HEAD";
          const calls: RawCall[] = [
            { rpc: "GetServerInfo", body: emptyOf(t.session.codec) },
            sendOf(t, alice, bob),
            ack,
          ];
          if (rpcsOf(t).includes("Watch")) calls.push({ rpc: "Watch", by: bob, body: Buffer.alloc(5) });
          for (const { body, ...call } of calls) {
            // Some frameworks let a header make another method of it.
            for (const headers of [{}, { "x-http-method-override": "POST", "x-http-method": "POST" }]) {
              const answer = await rawCall(t, "HTTP-METHOD", {
                ...call,
                method,
                headers,
                ...(hasBody ? { body } : {}),
              });
              t.equal(answer.status, 405, "HTTP-METHOD", `the status of ${method} on ${call.rpc}`);
            }
          }
        }
      });
      await bob.device().sync();
    },
  },
  {
    id: "http/get-with-message",
    title: "a proxy prefetches bob's Sync by GET, with the message in the query as Connect allows; nothing is acked",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const { body, ...sync } = syncOf(t, bob, { cliSeq: bob.base + 1 });
      const message = Buffer.from(body).toString("base64url");
      const query = `?connect=v1&encoding=${t.session.codec}&base64=1&message=${message}`;
      await t.unchanged(bob, "HTTP-METHOD", "a Sync by GET", async () => {
        const call: RawCall = { ...sync, method: "GET", path: pathOf("Sync") + query, contentType: null };
        const answer = await rawCall(t, "HTTP-METHOD", call);
        t.equal(answer.status, 405, "HTTP-METHOD", "the status of GET on Sync with a message in the query");
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
  {
    // § HTTP-ANSWER-TYPE: The media type of a successful answer MUST be that of its request.
    id: "http/answer-type",
    title: "whatever bob's Accept header says, each answer has the media type of its request",
    requirements: ["HTTP-ANSWER-TYPE"],
    async run(t) {
      const { bob, alice } = t;
      const expected = contentTypeOf("Sync", t.session.codec);
      const calls = [
        sendOf(t, alice, bob),
        syncOf(t, bob),
        { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) },
      ];
      for (const accept of [undefined, "application/json", "application/proto", "text/html", "*/*"]) {
        for (const call of calls) {
          const answer = await rawCall(t, "HTTP-ANSWER-TYPE", {
            ...call,
            headers: accept === undefined ? {} : { accept },
          });
          const what = `a ${call.rpc} with Accept ${accept ?? "missing"}`;
          t.equal(answer.status, 200, "HTTP-ANSWER-TYPE", `the status of ${what}`);
          t.equal(
            mediaType(answer.headers["content-type"]),
            expected,
            "HTTP-ANSWER-TYPE",
            `the type of the answer to ${what}`,
          );
          answered(t, "HTTP-ANSWER-TYPE", METHOD[call.rpc].output, answer, what);
        }
      }
    },
  },
  {
    // § HTTP-TYPE-PARAMETERS: A server MUST compare media types without regard to case, and with the JSON profile MUST
    // § take `application/json; charset=utf-8` as `application/json`.
    id: "http/media-type-in-any-case",
    title: "bob syncs with his content type in capitals",
    requirements: ["HTTP-TYPE-PARAMETERS"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const type = contentTypeOf("Sync", t.session.codec);
      const mixed = type.replace(/[a-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1));
      for (const contentType of [type.toUpperCase(), mixed]) {
        const answer = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...syncOf(t, bob), contentType });
        const page = answered(t, "HTTP-TYPE-PARAMETERS", METHOD.Sync.output, answer, `a Sync with ${contentType}`);
        t.equal(page.svrSeq, bob.base + 1, "HTTP-TYPE-PARAMETERS", `what ${contentType} was read as`);
      }
    },
  },
  {
    id: "http/json-with-charset",
    title: "alice sends and bob syncs with application/json; charset=utf-8",
    requirements: ["HTTP-TYPE-PARAMETERS", "HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      for (const contentType of ["application/json; charset=utf-8", "Application/JSON; charset=utf-8"]) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from("grüß dich") });
        const sent = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...call, contentType });
        const { acceptedAt } = answered(
          t,
          "HTTP-TYPE-PARAMETERS",
          METHOD.Send.output,
          sent,
          `a Send with ${contentType}`,
        );
        const answer = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...syncOf(t, bob), contentType });
        const page = answered(t, "HTTP-TYPE-PARAMETERS", METHOD.Sync.output, answer, `a Sync with ${contentType}`);
        t.page(page, page.svrSeq, [{ ...send, acceptedAt }], "HTTP-TYPE-PARAMETERS", "bob did not get the message");
        await bob.device().sync({ cliSeq: page.svrSeq });
      }
    },
  },
  {
    // § HTTP-MEDIA-TYPE: A server MUST answer a POST to the path of an RPC that it has, if the `Content-Type` is
    // § missing or none that the table of this chapter gives for this RPC, with HTTP status 415, and MUST NOT carry it
    // § out; the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.
    id: "http/wrong-media-type",
    title: "alice's Send and bob's Sync with no content type, or one that no RPC has, are answered with 415",
    requirements: ["HTTP-MEDIA-TYPE"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      const stream = contentTypeOf("Watch", t.session.codec);
      const types = [
        null,
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/xml",
        stream,
      ];
      await t.unchanged(bob, "HTTP-MEDIA-TYPE", "a call with a wrong content type", async () => {
        for (const contentType of types) {
          const calls = [sendOf(t, alice, bob), ack, { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) }];
          for (const call of calls) {
            const answer = await rawCall(t, "HTTP-MEDIA-TYPE", { ...call, contentType });
            t.equal(
              answer.status,
              415,
              "HTTP-MEDIA-TYPE",
              `the status of ${call.rpc} with ${contentType ?? "no content type"}`,
            );
          }
        }
      });
      await bob.device().sync();
    },
  },
  {
    id: "http/two-content-types",
    title: "alice sends with two Content-Type headers; the first counts, or she is refused with 400 or 415",
    requirements: ["HTTP-MEDIA-TYPE"],
    async run(t) {
      const { bob, alice } = t;
      const own = contentTypeOf("Send", t.session.codec);
      for (const [first, second] of [
        ["text/plain", "text/html"],
        [own, "text/plain"],
      ] as const) {
        const before = await bob.state();
        const call = { ...sendOf(t, alice, bob), contentType: first };
        const status = await exchange(t, "HTTP-MEDIA-TYPE", call, [`content-type: ${second}`]);
        const { svrSeq } = await bob.state();
        const allowed = first === own ? [200, 400, 415] : [400, 415];
        const what = `the types ${first} and ${second}`;
        if (!allowed.includes(status)) t.fail("HTTP-MEDIA-TYPE", what, allowed.join(" or "), `HTTP ${status}`);
        const expected = before.svrSeq + (status === 200 ? 1 : 0);
        t.equal(svrSeq, expected, "HTTP-MEDIA-TYPE", `with ${what} the status is ${status}, and bob's svr_seq`);
      }
      await alice.send(bob);
    },
  },
  {
    // § HTTP-VERSION-HEADER: A server MUST NOT require the header `Connect-Protocol-Version`.
    id: "http/version-header",
    title: "bob syncs without Connect-Protocol-Version, and with 1",
    requirements: ["HTTP-VERSION-HEADER"],
    async run(t) {
      const { bob } = t;
      for (const headers of [{}, { "connect-protocol-version": "1" }]) {
        const what = `a Sync ${"connect-protocol-version" in headers ? "with" : "without"} Connect-Protocol-Version`;
        const answer = await rawCall(t, "HTTP-VERSION-HEADER", { ...syncOf(t, bob), headers });
        const page = answered(t, "HTTP-VERSION-HEADER", METHOD.Sync.output, answer, what);
        t.equal(page.svrSeq, bob.base, "HTTP-VERSION-HEADER", `what ${what} was answered`);
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
      const sent = await rawCall(t, "HTTP-NO-STORE", sendOf(t, alice, bob));
      const synced = await rawCall(t, "HTTP-NO-STORE", syncOf(t, bob));
      for (const [what, answer] of [
        ["Send", sent],
        ["Sync", synced],
      ] as const) {
        t.equal(answer.status, 200, what === "Send" ? "SEND-ACCEPT" : "SYNC-ANSWER", `the status of a right ${what}`);
        hasNoStore(answer, `the answer of ${what}`);
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
        hasNoStore(answer, `the refusal of ${what}`);
      }

      function hasNoStore({ headers }: RawAnswer, what: string): void {
        const directives = (headers["cache-control"] ?? "")
          .toLowerCase()
          .split(",")
          .map((it) => it.trim());
        if (directives.includes("no-store")) return;
        t.fail("HTTP-NO-STORE", what, "Cache-Control with no-store", headers["cache-control"] ?? "no Cache-Control");
      }
    },
  },
];

/** The empty message. */
export const emptyOf = (codec: "proto" | "json") => Buffer.from(codec === "proto" ? "" : "{}");
