import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import { broken, contentTypeOf, unknownField } from "../../harness/raw-calls.js";
import { firstFrame, frameOf, isStream, rawWatch, refusalOf } from "../../harness/raw-watch.js";
import { envelope } from "../../rpc/envelope.js";
import { emptyOf } from "./calls.js";

/** HTTP binding: the bytes of a Watch. */
export const httpStream: readonly Case[] = [
  {
    // § HTTP-STREAM: A Watch whose request has one of the stream content types MUST be answered with HTTP status 200,
    // § the media type of the request and a body of envelopes, of which the last one, and no other, has the flag 0x02
    // § and holds a JSON object, with the member `error` if and only if the call failed; this holds for refusals too.
    id: "http/stream-frame",
    title: "bob's Watch is answered with status 200, his media type, and plain frames in envelopes",
    requirements: ["HTTP-STREAM", "HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const seen = await rawWatch(t, { token: bob.token, until: "a frame" });
      isStream(t, seen, "a Watch");
      const [first] = seen.envelopes;
      if (first === undefined) return t.fail("WATCH-FIRST", "a Watch had no frame", "one at once", seen.why);
      t.equal(first.flags & 1, 0, "HTTP-COMPRESSION", "a frame is compressed, which nobody offered");
      t.equal(first.flags, 0, "HTTP-STREAM", "the flags of a frame's envelope");
      t.equal(frameOf(t, first).svrSeq, bob.base + 1, "WATCH-FIRST", "svr_seq of the first frame");
    },
  },
  {
    // § HTTP-JSON-NUMBERS: In JSON a server MUST write every `uint32` as a number, and MUST take a `uint32` as a number
    // § and as a decimal string, over the whole range 0 to 4294967295.
    id: "http/stream-json-numbers",
    title: "in JSON svr_seq of a frame is a number",
    requirements: ["HTTP-JSON-NUMBERS", "HTTP-STREAM"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const { envelopes } = await rawWatch(t, { token: bob.token, until: "a frame" });
      const frame = JSON.parse(Buffer.from(envelopes[0]?.body ?? []).toString() || "{}") as Record<string, unknown>;
      const { svrSeq = frame["svr_seq"] } = frame;
      t.equal(typeof svrSeq, "number", "HTTP-JSON-NUMBERS", "the JSON type of svrSeq in a frame");
    },
  },
  {
    // § HTTP-STREAM: A Watch whose request has one of the stream content types MUST be answered with HTTP status 200,
    // § the media type of the request and a body of envelopes, of which the last one, and no other, has the flag 0x02
    // § and holds a JSON object, with the member `error` if and only if the call failed; this holds for refusals too.
    id: "http/stream-refusal",
    title:
      "a Watch without a credential is refused in its stream: status 200, one envelope with flag 2, an error in it",
    requirements: ["HTTP-STREAM", "AUTH-WATCH"],
    async run(t) {
      const seen = await rawWatch(t, { token: undefined, until: "the end" });
      const refusal = refusalOf(t, seen, "a Watch without a credential");
      t.equal(refusal.code, "unauthenticated", "AUTH-WATCH", "the code of a Watch without a credential");
    },
  },
  {
    id: "http/stream-request-of-one-envelope",
    title: "bob's Watch comes with no envelope, with two, and with half of one; each is refused in its stream",
    requirements: ["HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const one = envelope(emptyOf(t.session.codec));
      const bodies = {
        "no envelope": new Uint8Array(),
        "two envelopes": Buffer.concat([one, one]),
        "half an envelope's head": one.subarray(0, 3),
        "an envelope that is longer than the body": Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), Buffer.from("{}")]),
      };
      for (const [what, body] of Object.entries(bodies)) {
        refusalOf(t, await rawWatch(t, { token: bob.token, body, until: "the end" }), `a Watch with ${what}`);
      }
      const right = await rawWatch(t, { token: bob.token, until: "a frame" });
      t.equal(right.envelopes[0]?.flags, 0, "WATCH-FIRST", "a Watch with one envelope has no frame");
    },
  },
  {
    // § HTTP-CHUNKED: A server MUST accept, over HTTP/1.1, a body sent with `Transfer-Encoding: chunked` like the same
    // § body sent with `Content-Length`.
    id: "http/stream-chunked-request",
    title: "bob's Watch comes in chunks of a byte and gets its frame",
    requirements: ["HTTP-CHUNKED", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const body = [...envelope(emptyOf(t.session.codec))].map((byte) => Buffer.from([byte]));
      const seen = await rawWatch(t, { token: bob.token, body, until: "a frame" });
      t.equal(seen.envelopes[0]?.flags, 0, "HTTP-CHUNKED", "a Watch whose request came in chunks has no frame");
    },
  },
  {
    // § HTTP-MEDIA-TYPE: A server MUST answer a POST to the path of an RPC that it has, if the `Content-Type` is
    // § missing or none that the table of this chapter gives for this RPC, with HTTP status 415, and MUST NOT carry it
    // § out; the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.
    id: "http/stream-wrong-media-type",
    title: "bob's Watch with the type of a unary call, another one, or none is answered with 415",
    requirements: ["HTTP-MEDIA-TYPE", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      for (const contentType of [
        null,
        "text/plain",
        "application/octet-stream",
        contentTypeOf("Sync", t.session.codec),
      ]) {
        const answer = await rawWatch(t, { token: bob.token, contentType, until: "a frame" });
        t.equal(answer.status, 415, "HTTP-MEDIA-TYPE", `the status of Watch with ${contentType ?? "no content type"}`);
      }
      const right = await rawWatch(t, { token: bob.token, until: "a frame" });
      t.equal(right.envelopes[0]?.flags, 0, "WATCH-FIRST", "a Watch with its own type has no frame");
    },
  },
  {
    // § HTTP-COMPRESSION: An answer MUST NOT be compressed in a way that the request did not offer, by
    // § `Accept-Encoding` in a unary call and by `Connect-Accept-Encoding` in a stream.
    id: "http/stream-not-compressed",
    title:
      "bob's Watch offers gzip and br, as browsers do, and br for its frames; they come at once and in no other way",
    requirements: ["HTTP-COMPRESSION", "HTTP-STREAM"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const headers = { "accept-encoding": "gzip, deflate, br" };
      const seen = await rawWatch(t, { token: bob.token, headers, until: "a frame" });
      t.equal(
        seen.contentEncoding,
        "identity",
        "HTTP-COMPRESSION",
        "the Content-Encoding of a Watch that offered gzip",
      );
      const frame = firstFrame(t, "HTTP-COMPRESSION", seen, "a Watch that offered gzip");
      t.equal(frame.svrSeq, bob.base + 1, "WATCH-FIRST", "svr_seq of the first frame");
      const offer = { "connect-accept-encoding": "br" };
      const packed = await rawWatch(t, { token: bob.token, headers: offer, until: "a frame" });
      const { frameEncoding, envelopes } = packed;
      if (((envelopes[0]?.flags ?? 0) & 1) === 0) firstFrame(t, "WATCH-FIRST", packed, "a Watch that offers br");
      else t.equal(frameEncoding, "br", "HTTP-COMPRESSION", "how a frame is packed of a Watch that offers br");
    },
  },
  {
    // § HTTP-ENCODING: A unary request with a `Content-Encoding`, or a Watch with a `Connect-Content-Encoding`, that
    // § the server does not know MUST be refused with `unimplemented`, and MUST NOT be carried out.
    id: "http/stream-unknown-encoding",
    title: "bob's Watch says an encoding that nobody knows, and is refused in its stream; identity is none",
    requirements: ["HTTP-ENCODING", "HTTP-STREAM"],
    async run(t) {
      const { token } = t.bob;
      const encoded = (encoding: string, until: "a frame" | "the end") =>
        rawWatch(t, { token, headers: { "connect-content-encoding": encoding }, until });
      const what = "a Watch with an unknown encoding";
      const seen = await encoded("x-seqsync-unknown", "the end");
      const { code } = await t.blaming("HTTP-ENCODING", async () => refusalOf(t, seen, what));
      t.equal(code, "unimplemented", "HTTP-ENCODING", `the code of ${what}`);
      firstFrame(t, "HTTP-ENCODING", await encoded("identity", "a frame"), "a Watch with the encoding identity");
    },
  },
  unknown("proto", "HTTP-UNKNOWN-FIELDS", unknownField),
  unknown("json", "HTTP-JSON-UNKNOWN", (size) => Buffer.from(JSON.stringify({ futureField: "a".repeat(size) }))),
  malformed("proto", "HTTP-MALFORMED", [Buffer.of(0x7e, 1), Buffer.of(0, 0), Buffer.of(0x80)]),
  malformed(
    "json",
    "HTTP-JSON-MALFORMED",
    ["", "[]", "{"].map((text) => Buffer.from(text)),
  ),
  {
    // § ERR-ORDER: Where several refusals apply to one call, a server MUST give one of the first kind in this order:
    // § the credential; the decoding of the body; the bounds of `client_message_id` and `payload`; `epoch`; all others.
    id: "http/stream-credential-before-envelope",
    title:
      "a stranger's Watch has no envelope, half of one, or one that does not decode; it hears of the credential only",
    requirements: ["ERR-ORDER", "AUTH-WATCH"],
    async run(t) {
      const one = envelope(emptyOf(t.session.codec));
      const wrong = envelope(broken(t, emptyOf(t.session.codec)));
      for (const token of [undefined, `nobodys-${t.newId()}`]) {
        for (const body of [new Uint8Array(), one.subarray(0, 3), wrong]) {
          const what = "a Watch without a valid credential and without a right envelope";
          const refusal = refusalOf(t, await rawWatch(t, { token, body, until: "the end" }), what);
          const { code, reason = Reason.UNSPECIFIED } = refusal;
          const expected = "unauthenticated CREDENTIAL_INVALID";
          t.equal(`${code} ${Reason[reason]}`, expected, "ERR-ORDER", `the refusal of ${what}`);
        }
      }
    },
  },
];

/** A case for what a Watch does with fields of later versions, of which it has none yet. */
function unknown(
  codec: "proto" | "json",
  rule: "HTTP-UNKNOWN-FIELDS" | "HTTP-JSON-UNKNOWN",
  message: (size: number) => Uint8Array,
): Case {
  return {
    id: `http/stream-unknown-${codec === "proto" ? "fields" : "members"}`,
    title: "bob's Watch has a field of a later version, of 16 bytes and of 60 KiB; it is opened as without",
    requirements: [rule, "HTTP-STREAM", "HTTP-BODY-ROOM"],
    codec,
    async run(t) {
      const { bob } = t;
      for (const size of [16, 60 << 10]) {
        const seen = await rawWatch(t, { token: bob.token, body: envelope(message(size)), until: "a frame" });
        firstFrame(t, size === 16 ? rule : "HTTP-BODY-ROOM", seen, `a Watch with an unknown field of ${size} bytes`);
      }
    },
  };
}

/** A case for what a Watch does with messages that do not decode. */
function malformed(
  codec: "proto" | "json",
  rule: "HTTP-MALFORMED" | "HTTP-JSON-MALFORMED",
  messages: readonly Uint8Array[],
): Case {
  return {
    id: `http/stream-${codec === "proto" ? "" : "json-"}malformed`,
    title: "the message in the envelope of bob's Watch does not decode; the Watch is refused in its stream",
    requirements: [rule, "HTTP-STREAM"],
    codec,
    async run(t) {
      const { bob } = t;
      for (const message of messages) {
        const what = `a Watch whose message does not decode (${Buffer.from(message).toString("hex")})`;
        const seen = await rawWatch(t, { token: bob.token, body: envelope(message), until: "the end" });
        const { code } = await t.blaming(rule, async () => refusalOf(t, seen, what));
        t.equal(code, "invalid_argument", rule, `the code of ${what}`);
      }
    },
  };
}
