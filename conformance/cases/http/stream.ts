import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import { contentTypeOf, emptyBody, truncated, unknownField } from "../../harness/raw-calls.js";
import {
  expectDecodable,
  expectFirstFrame,
  expectStream,
  expectStreamRefusal,
  rawWatch,
} from "../../harness/raw-watch.js";
import { unique } from "../../harness/unique.js";
import { jsonObject } from "../../rpc/connect.js";
import { envelope } from "../../rpc/envelope.js";

/** HTTP binding: the request and response of a Watch. */
export const httpStream: readonly Case[] = [
  {
    // § HTTP-STREAM: The response to a Watch whose request has one of the stream content types MUST have HTTP status
    // § 200, the media type of the request and a body of envelopes, of which the last one, and no other, has the flag
    // § 0x02 and holds a JSON object, with the member `error` if and only if the call failed; this holds for refusals
    // § too.
    id: "http/stream-frame",
    title:
      "The response to a Watch has status 200, the media type of the request, and uncompressed frames in envelopes",
    requirements: ["HTTP-STREAM", "HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const seen = await rawWatch(t, { token: bob.token, until: "a frame" });
      expectStream(t, seen, "a Watch");
      const [first] = seen.envelopes;
      if (first === undefined)
        return t.fail(
          "WATCH-FIRST",
          "a Watch got no first frame",
          "first frame: at once",
          `first frame: none; ${seen.why}`,
        );
      const violation = "a frame is compressed although the request offered no compression";
      t.equal({ flags: first.flags & 1 }, { flags: 0 }, "HTTP-COMPRESSION", violation);
      t.fields(first, { flags: 0 }, "HTTP-STREAM", "the envelope of a frame has flags");
      const message = "the first frame does not report the inbox's svr_seq";
      t.fields(expectDecodable(t, first), { svrSeq: bob.base + 1 }, "WATCH-FIRST", message);
    },
  },
  {
    // § HTTP-JSON-NUMBERS: In JSON a server MUST write every `uint32` as a number, and MUST accept a `uint32` as a
    // § number and as a decimal string, over the whole range 0 to 4294967295.
    id: "http/stream-json-numbers",
    title: "In JSON svr_seq of a frame is a number",
    requirements: ["HTTP-JSON-NUMBERS", "HTTP-STREAM"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const { envelopes } = await rawWatch(t, { token: bob.token, until: "a frame" });
      const text = Buffer.from(envelopes[0]?.body ?? []).toString();
      const frame = jsonObject(text || "{}");
      if (frame === undefined)
        return t.fail("HTTP-STREAM", "a frame is not a JSON object", "a JSON object", text.slice(0, 200));
      const { svrSeq = frame["svr_seq"] } = frame;
      if (typeof svrSeq !== "number")
        t.fail(
          "HTTP-JSON-NUMBERS",
          "svrSeq of a frame is not a JSON number",
          "svrSeq: a JSON number",
          `svrSeq: ${JSON.stringify(svrSeq) ?? "absent"}`,
        );
    },
  },
  {
    // § HTTP-STREAM: The response to a Watch whose request has one of the stream content types MUST have HTTP status
    // § 200, the media type of the request and a body of envelopes, of which the last one, and no other, has the flag
    // § 0x02 and holds a JSON object, with the member `error` if and only if the call failed; this holds for refusals
    // § too.
    id: "http/stream-refusal",
    title: "A Watch without a credential is refused with status 200 and an end-of-stream message with an error",
    requirements: ["HTTP-STREAM", "AUTH-WATCH"],
    async run(t) {
      const seen = await rawWatch(t, { token: undefined, until: "the end" });
      const refusal = expectStreamRefusal(t, seen, "a Watch without a credential");
      const violation = "a Watch without a credential was not refused as unauthenticated";
      t.equal({ code: refusal.code }, { code: "unauthenticated" }, "AUTH-WATCH", violation);
    },
  },
  {
    id: "http/stream-request-of-one-envelope",
    title: "A Watch whose request is not exactly one envelope is refused in its stream",
    requirements: ["HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const one = envelope(emptyBody(t.session.codec));
      const bodies = {
        "no envelope": new Uint8Array(),
        "two envelopes": Buffer.concat([one, one]),
        "a truncated envelope header": one.subarray(0, 3),
        "a truncated envelope": Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), Buffer.from("{}")]),
      };
      for (const [what, body] of Object.entries(bodies)) {
        expectStreamRefusal(t, await rawWatch(t, { token: bob.token, body, until: "the end" }), `a Watch with ${what}`);
      }
      const valid = await rawWatch(t, { token: bob.token, until: "a frame" });
      t.equal(
        { flags: valid.envelopes[0]?.flags },
        { flags: 0 },
        "WATCH-FIRST",
        "a Watch with one envelope got no first frame",
      );
    },
  },
  {
    // § HTTP-CHUNKED: A server MUST accept, over HTTP/1.1, a body sent with `Transfer-Encoding: chunked` like the same
    // § body sent with `Content-Length`.
    id: "http/stream-chunked-request",
    title: "A Watch whose request comes in chunks of one byte gets a first frame",
    requirements: ["HTTP-CHUNKED", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const body = [...envelope(emptyBody(t.session.codec))].map((byte) => Buffer.from([byte]));
      const seen = await rawWatch(t, { token: bob.token, body, until: "a frame" });
      t.equal(
        { flags: seen.envelopes[0]?.flags },
        { flags: 0 },
        "HTTP-CHUNKED",
        "a Watch with a chunked request got no first frame",
      );
    },
  },
  {
    // § HTTP-MEDIA-TYPE: A server MUST respond with HTTP status 415 to a POST to the path of an RPC that it has, if the
    // § `Content-Type` is missing or none that the table of this chapter gives for this RPC, and MUST NOT carry it out;
    // § the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.
    id: "http/stream-wrong-media-type",
    title: "A Watch with a content type other than that of streams gets 415",
    requirements: ["HTTP-MEDIA-TYPE", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      for (const contentType of [
        null,
        "text/plain",
        "application/octet-stream",
        contentTypeOf("Sync", t.session.codec),
      ]) {
        const response = await rawWatch(t, { token: bob.token, contentType, until: "a frame" });
        const violation = `Watch with ${contentType ?? "no content type"} did not get HTTP status 415`;
        t.fields(response, { status: 415 }, "HTTP-MEDIA-TYPE", violation);
      }
      const valid = await rawWatch(t, { token: bob.token, until: "a frame" });
      t.equal(
        { flags: valid.envelopes[0]?.flags },
        { flags: 0 },
        "WATCH-FIRST",
        "a Watch with its content type got no first frame",
      );
    },
  },
  {
    // § HTTP-COMPRESSION: A response MUST NOT be compressed in a way that the request did not offer, by
    // § `Accept-Encoding` in a unary call and by `Connect-Accept-Encoding` in a stream.
    id: "http/stream-not-compressed",
    title: "The frames of a Watch come at once, and are compressed only as Connect-Accept-Encoding offers",
    requirements: ["HTTP-COMPRESSION", "HTTP-STREAM"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const headers = { "accept-encoding": "gzip, deflate, br" };
      const seen = await rawWatch(t, { token: bob.token, headers, until: "a frame" });
      const violation = "the response to a Watch with Accept-Encoding has a Content-Encoding";
      t.fields(seen, { contentEncoding: "identity" }, "HTTP-COMPRESSION", violation);
      const frame = expectFirstFrame(t, "HTTP-COMPRESSION", seen, "a Watch with Accept-Encoding");
      t.fields(frame, { svrSeq: bob.base + 1 }, "WATCH-FIRST", "the first frame does not report the inbox's svr_seq");
      const offer = { "connect-accept-encoding": "br" };
      const compressed = await rawWatch(t, { token: bob.token, headers: offer, until: "a frame" });
      const { frameEncoding, envelopes } = compressed;
      if (((envelopes[0]?.flags ?? 0) & 1) === 0)
        expectFirstFrame(t, "WATCH-FIRST", compressed, "a Watch with Connect-Accept-Encoding br");
      else
        t.equal(
          { connectContentEncoding: frameEncoding },
          { connectContentEncoding: "br" },
          "HTTP-COMPRESSION",
          "a frame is compressed with an encoding other than br, the only one offered",
        );
    },
  },
  {
    // § HTTP-ENCODING: A unary request with a `Content-Encoding`, or a Watch with a `Connect-Content-Encoding`, that
    // § the server does not know MUST be refused with `unimplemented`, and MUST NOT be carried out.
    id: "http/stream-unknown-encoding",
    title: "A Watch with an unknown Connect-Content-Encoding is refused in its stream; identity is accepted",
    requirements: ["HTTP-ENCODING", "HTTP-STREAM"],
    async run(t) {
      const { token } = t.bob;
      const encoded = (encoding: string, until: "a frame" | "the end") =>
        rawWatch(t, { token, headers: { "connect-content-encoding": encoding }, until });
      const what = "a Watch with an unknown Connect-Content-Encoding";
      const seen = await encoded("x-seqsync-unknown", "the end");
      const { code } = await t.blaming("HTTP-ENCODING", async () => expectStreamRefusal(t, seen, what));
      t.equal({ code }, { code: "unimplemented" }, "HTTP-ENCODING", `${what} was refused with the wrong code`);
      const description = "a Watch with Connect-Content-Encoding identity";
      expectFirstFrame(t, "HTTP-ENCODING", await encoded("identity", "a frame"), description);
    },
  },
  unknownFieldsCase("proto", "HTTP-UNKNOWN-FIELDS", unknownField),
  unknownFieldsCase("json", "HTTP-JSON-UNKNOWN", (size) =>
    Buffer.from(JSON.stringify({ futureField: "a".repeat(size) })),
  ),
  malformedCase("proto", "HTTP-MALFORMED", [Buffer.of(0x7e, 1), Buffer.of(0, 0), Buffer.of(0x80)]),
  malformedCase(
    "json",
    "HTTP-JSON-MALFORMED",
    ["", "[]", "{"].map((text) => Buffer.from(text)),
  ),
  {
    // § ERR-ORDER: If several refusals apply to one call, a server MUST give a refusal of the first kind in this order
    // § that applies: the credential; the decoding of the body; the bounds of `client_message_id` and `payload`;
    // § `epoch`; all others.
    id: "http/stream-credential-before-envelope",
    title: "A Watch with an invalid credential and a malformed request is refused because of the credential",
    requirements: ["ERR-ORDER", "AUTH-WATCH"],
    async run(t) {
      const one = envelope(emptyBody(t.session.codec));
      const wrong = envelope(truncated(t, emptyBody(t.session.codec)));
      for (const token of [undefined, `nobodys-${unique()}`]) {
        for (const body of [new Uint8Array(), one.subarray(0, 3), wrong]) {
          const what = "a Watch with an invalid credential and a malformed request";
          const refusal = expectStreamRefusal(t, await rawWatch(t, { token, body, until: "the end" }), what);
          const { code, reason = Reason.UNSPECIFIED } = refusal;
          const expected = "unauthenticated CREDENTIAL_INVALID";
          t.equal(
            { error: `${code} ${Reason[reason]}` },
            { error: expected },
            "ERR-ORDER",
            `${what} was not refused because of its credential`,
          );
        }
      }
    },
  },
];

/** A case for unknown fields in the request of a Watch. */
function unknownFieldsCase(
  codec: "proto" | "json",
  rule: "HTTP-UNKNOWN-FIELDS" | "HTTP-JSON-UNKNOWN",
  message: (size: number) => Uint8Array,
): Case {
  return {
    id: `http/stream-unknown-${codec === "proto" ? "fields" : "members"}`,
    title: "Unknown fields of 16 bytes and of 60 KiB in the request of a Watch are ignored",
    requirements: [rule, "HTTP-STREAM", "HTTP-BODY-ROOM"],
    codec,
    async run(t) {
      const { bob } = t;
      for (const size of [16, 60 << 10]) {
        const seen = await rawWatch(t, { token: bob.token, body: envelope(message(size)), until: "a frame" });
        const what = `a Watch with an unknown field of ${size} bytes`;
        expectFirstFrame(t, size === 16 ? rule : "HTTP-BODY-ROOM", seen, what);
      }
    },
  };
}

/** A case for malformed messages in the request of a Watch. */
function malformedCase(
  codec: "proto" | "json",
  rule: "HTTP-MALFORMED" | "HTTP-JSON-MALFORMED",
  messages: readonly Uint8Array[],
): Case {
  return {
    id: `http/stream-${codec === "proto" ? "" : "json-"}malformed`,
    title: "A Watch whose envelope holds a malformed message is refused in its stream",
    requirements: [rule, "HTTP-STREAM"],
    codec,
    async run(t) {
      const { bob } = t;
      for (const message of messages) {
        const what = `a Watch with the malformed message ${Buffer.from(message).toString("hex") || "(empty)"}`;
        const seen = await rawWatch(t, { token: bob.token, body: envelope(message), until: "the end" });
        const { code } = await t.blaming(rule, async () => expectStreamRefusal(t, seen, what));
        t.equal({ code }, { code: "invalid_argument" }, rule, `${what} was refused with the wrong code`);
      }
    },
  };
}
