import type { Case } from "../../harness/case.js";
import { answered, contentTypeOf, exchange, METHOD, rawCall, rpcsOf, sendOf, syncOf } from "../../harness/raw-calls.js";
import { firstFrame, rawWatch } from "../../harness/raw-watch.js";
import { mediaType } from "../../rpc/connect.js";
import { emptyOf } from "./calls.js";

/** HTTP binding: content types. */
export const httpTypes: readonly Case[] = [
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
    title: "each call is made with its content type in capitals",
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
      for (const call of [{ rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) }, sendOf(t, alice, bob)]) {
        const answer = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...call, contentType: mixed });
        answered(t, "HTTP-TYPE-PARAMETERS", METHOD[call.rpc].output, answer, `a ${call.rpc} with ${mixed}`);
      }
      if (!rpcsOf(t).includes("Watch")) return;
      const contentType = contentTypeOf("Watch", t.session.codec).toUpperCase();
      const seen = await rawWatch(t, { token: bob.token, contentType, until: "a frame" });
      firstFrame(t, "HTTP-TYPE-PARAMETERS", seen, `a Watch with ${contentType}`);
    },
  },
  {
    id: "http/json-with-charset",
    title: "alice sends and bob syncs with application/json; charset=utf-8",
    requirements: ["HTTP-TYPE-PARAMETERS", "HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      for (const contentType of ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]) {
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
    title: "each call with no content type, or one that no RPC has, is answered with 415, whatever it accepts",
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
        ...(t.session.codec === "json" ? ["text/json", "application/problem+json"] : ["application/x-protobuf"]),
        stream,
      ];
      // What an answer may be in says nothing of the request.
      const headers = { accept: contentTypeOf("Sync", t.session.codec) };
      await t.unchanged(bob, "HTTP-MEDIA-TYPE", "a call with a wrong content type", async () => {
        for (const contentType of types) {
          const calls = [sendOf(t, alice, bob), ack, { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) }];
          for (const call of calls) {
            const answer = await rawCall(t, "HTTP-MEDIA-TYPE", { ...call, contentType, headers });
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
];
