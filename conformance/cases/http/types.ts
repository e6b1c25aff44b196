import type { Case } from "../../harness/case.js";
import {
  callOnOwnConnection,
  contentTypeOf,
  emptyBody,
  expectOk,
  expectResponse,
  METHOD,
  rawCall,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { expectFirstFrame, rawWatch } from "../../harness/raw-watch.js";
import { mediaType } from "../../rpc/connect.js";

/** HTTP binding: content types. */
export const httpTypes: readonly Case[] = [
  {
    // § HTTP-ANSWER-TYPE: The media type of a successful response MUST be that of its request.
    id: "http/answer-type",
    title: "Each response has the media type of its request, whatever the Accept header",
    requirements: ["HTTP-ANSWER-TYPE"],
    async run(t) {
      const { bob, alice } = t;
      const expected = contentTypeOf("Sync", t.session.codec);
      const calls = [
        sendOf(t, alice, bob),
        syncOf(t, bob),
        { rpc: "GetServerInfo" as const, body: emptyBody(t.session.codec) },
      ];
      for (const accept of [undefined, "application/json", "application/proto", "text/html", "*/*"]) {
        for (const call of calls) {
          const response = await rawCall(t, "HTTP-ANSWER-TYPE", {
            ...call,
            headers: accept === undefined ? {} : { accept },
          });
          const what = `a ${call.rpc} ${accept === undefined ? "without Accept" : `with Accept ${accept}`}`;
          expectOk(t, "HTTP-ANSWER-TYPE", response, what);
          const violation = `the response to ${what} does not have the media type of its request`;
          t.equal(
            { mediaType: mediaType(response.headers["content-type"]) },
            { mediaType: expected },
            "HTTP-ANSWER-TYPE",
            violation,
          );
          expectResponse(t, "HTTP-ANSWER-TYPE", METHOD[call.rpc].output, response, what);
        }
      }
    },
  },
  {
    // § HTTP-TYPE-PARAMETERS: A server MUST compare media types without regard to case, and with the JSON profile MUST
    // § treat `application/json; charset=utf-8` as `application/json`.
    id: "http/media-type-in-any-case",
    title: "Content types are compared without regard to case",
    requirements: ["HTTP-TYPE-PARAMETERS"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const type = contentTypeOf("Sync", t.session.codec);
      const mixed = type.replace(/[a-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1));
      for (const contentType of [type.toUpperCase(), mixed]) {
        const response = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...syncOf(t, bob), contentType });
        const page = expectResponse(
          t,
          "HTTP-TYPE-PARAMETERS",
          METHOD.Sync.output,
          response,
          `a Sync with ${contentType}`,
        );
        const violation = `a Sync with ${contentType} did not return the inbox's svr_seq`;
        t.fields(page, { svrSeq: bob.base + 1 }, "HTTP-TYPE-PARAMETERS", violation);
      }
      for (const call of [{ rpc: "GetServerInfo" as const, body: emptyBody(t.session.codec) }, sendOf(t, alice, bob)]) {
        const response = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...call, contentType: mixed });
        expectResponse(t, "HTTP-TYPE-PARAMETERS", METHOD[call.rpc].output, response, `a ${call.rpc} with ${mixed}`);
      }
      if (!rpcsOf(t).includes("Watch")) return;
      const contentType = contentTypeOf("Watch", t.session.codec).toUpperCase();
      const seen = await rawWatch(t, { token: bob.token, contentType, until: "a frame" });
      expectFirstFrame(t, "HTTP-TYPE-PARAMETERS", seen, `a Watch with ${contentType}`);
    },
  },
  {
    id: "http/json-with-charset",
    title: "Send and Sync accept application/json; charset=utf-8",
    requirements: ["HTTP-TYPE-PARAMETERS", "HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      for (const contentType of ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from("grüß dich") });
        const sent = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...call, contentType });
        const { acceptedAt } = expectResponse(
          t,
          "HTTP-TYPE-PARAMETERS",
          METHOD.Send.output,
          sent,
          `a Send with ${contentType}`,
        );
        const response = await rawCall(t, "HTTP-TYPE-PARAMETERS", { ...syncOf(t, bob), contentType });
        const page = expectResponse(
          t,
          "HTTP-TYPE-PARAMETERS",
          METHOD.Sync.output,
          response,
          `a Sync with ${contentType}`,
        );
        t.page(page, page.svrSeq, [{ ...send, acceptedAt }], "HTTP-TYPE-PARAMETERS", "the message was not delivered");
        await bob.device().sync({ cliSeq: page.svrSeq });
      }
    },
  },
  {
    // § HTTP-MEDIA-TYPE: A server MUST respond with HTTP status 415 to a POST to the path of an RPC that it has, if the
    // § `Content-Type` is missing or none that the table of this chapter gives for this RPC, and MUST NOT carry it out;
    // § the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.
    id: "http/wrong-media-type",
    title: "A unary call with a missing or wrong content type gets 415 and changes nothing",
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
      // Accept does not determine the type of the request.
      const headers = { accept: contentTypeOf("Sync", t.session.codec) };
      await t.unchanged(bob, "HTTP-MEDIA-TYPE", "a call with a wrong content type", async () => {
        for (const contentType of types) {
          const calls = [
            sendOf(t, alice, bob),
            ack,
            { rpc: "GetServerInfo" as const, body: emptyBody(t.session.codec) },
          ];
          for (const call of calls) {
            const response = await rawCall(t, "HTTP-MEDIA-TYPE", { ...call, contentType, headers });
            const violation = `${call.rpc} with ${contentType ?? "no content type"} did not get HTTP status 415`;
            t.fields(response, { status: 415 }, "HTTP-MEDIA-TYPE", violation);
          }
        }
      });
      await bob.device().sync();
    },
  },
  {
    id: "http/two-content-types",
    title: "Of two Content-Type headers the first counts, or the call gets 400 or 415",
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
        const status = await callOnOwnConnection(t, "HTTP-MEDIA-TYPE", call, [`content-type: ${second}`]);
        const { svrSeq } = await bob.state();
        const allowed = first === own ? [200, 400, 415] : [400, 415];
        const what = `a Send with the content types ${first} and ${second}`;
        if (!allowed.includes(status))
          t.fail(
            "HTTP-MEDIA-TYPE",
            `${what} got HTTP status ${status}`,
            `HTTP ${allowed.join(" or ")}`,
            `HTTP ${status}`,
          );
        const expected = before.svrSeq + (status === 200 ? 1 : 0);
        const violation = `the recipient's svr_seq does not agree with HTTP status ${status} in response to ${what}`;
        t.equal({ svrSeq }, { svrSeq: expected }, "HTTP-MEDIA-TYPE", violation);
      }
      await alice.send(bob);
    },
  },
];
