import { fromBinary, fromJson } from "@bufbuild/protobuf";
import { type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { isAgain, mediaType, parseError, type Refusal } from "../wire/connect.js";
import { type Envelope, envelope, envelopes, FLAG_END } from "../wire/envelope.js";
import { LostAnswer } from "../wire/lost.js";
import { afterPatience } from "../wire/patience.js";
import { authorization } from "../wire/session.js";
import type { Case } from "./case.js";
import type { Context } from "./context.js";
import { emptyOf } from "./http-calls.js";
import { contentTypeOf, pathOf, rawCall } from "./raw-calls.js";

/** How long a first frame, or the end of what is refused, may take, in milliseconds. */
const AT_ONCE_MS = 5000;

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
      const seen = await watch(t, { token: bob.token, until: "a frame" });
      isStream(t, seen, "a Watch");
      const [first] = seen.envelopes;
      if (first === undefined) return t.fail("WATCH-FIRST", "a Watch had no frame", "one at once", seen.why);
      t.equal(first.flags & 1, 0, "HTTP-COMPRESSION", "a frame is compressed, which nobody offered");
      t.equal(first.flags, 0, "HTTP-STREAM", "the flags of a frame's envelope");
      t.equal(frameOf(t, first).svrSeq, bob.base + 1, "WATCH-FIRST", "svr_seq of the first frame");
    },
  },
  {
    id: "http/stream-refusal",
    title:
      "a Watch without a credential is refused in its stream: status 200, one envelope with flag 2, an error in it",
    requirements: ["HTTP-STREAM", "AUTH-WATCH"],
    async run(t) {
      const seen = await watch(t, { token: undefined, until: "the end" });
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
        refusalOf(t, await watch(t, { token: bob.token, body, until: "the end" }), `a Watch with ${what}`);
      }
      const right = await watch(t, { token: bob.token, until: "a frame" });
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
      const seen = await watch(t, { token: bob.token, body, until: "a frame" });
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
      for (const contentType of [null, "text/plain", contentTypeOf("Sync", t.session.codec)]) {
        const body = envelope(emptyOf(t.session.codec));
        const answer = await rawCall(t, "HTTP-MEDIA-TYPE", { rpc: "Watch", by: bob, contentType, body });
        t.equal(answer.status, 415, "HTTP-MEDIA-TYPE", `the status of Watch with ${contentType ?? "no content type"}`);
      }
      const right = await watch(t, { token: bob.token, until: "a frame" });
      t.equal(right.envelopes[0]?.flags, 0, "WATCH-FIRST", "a Watch with its own type has no frame");
    },
  },
];

interface Seen {
  status: number;
  type: string;
  contentEncoding: string;
  envelopes: Envelope[];
  /** Why reading stopped, for people. */
  why: string;
  /** Whether it stopped because the stream did, and not because enough was seen or the time was up. */
  closed: boolean;
}

interface WatchArguments {
  token: string | undefined;
  /** Default: one envelope with the empty message. */
  body?: Uint8Array | readonly Uint8Array[];
  until: "a frame" | "the end";
}

/** Opens a Watch and looks at its envelopes; again if the server asks for that. */
async function watch(t: Context, args: WatchArguments): Promise<Seen> {
  for (let tries = 1; ; tries += 1) {
    const seen = await watchOnce(t, args);
    const last = seen.envelopes.at(-1);
    const refusal = last?.flags === FLAG_END ? errorIn(last) : undefined;
    const again = [429, 502, 503, 504].includes(seen.status) || (refusal !== undefined && isAgain(refusal));
    if (!again || tries === 4) return seen;
  }
}

async function watchOnce(t: Context, { token, body, until }: WatchArguments): Promise<Seen> {
  const contentType = contentTypeOf("Watch", t.session.codec);
  const seen: Seen = { status: 0, type: "", contentEncoding: "", envelopes: [], why: "", closed: false };
  try {
    const stream = await t.session.transport.stream({
      endpoint: t.session.nextEndpoint(),
      path: pathOf("Watch"),
      headers: { "content-type": contentType, ...authorization(token) },
      body: body ?? envelope(emptyOf(t.session.codec)),
    });
    seen.status = stream.status;
    seen.type = mediaType(stream.headers["content-type"]);
    seen.contentEncoding = stream.headers["content-encoding"] ?? "identity";
    let late = false;
    const callOff = afterPatience(t.deadline(AT_ONCE_MS), () => {
      late = true;
      stream.cancel();
    });
    try {
      if (seen.status === 200 && seen.type === contentType) {
        for await (const it of envelopes(stream.chunks)) {
          seen.envelopes.push(it);
          if (until === "a frame") break;
        }
      }
      seen.closed = !late && until === "the end";
      seen.why = "the stream stopped";
    } catch (error) {
      seen.why = late ? `nothing more came within ${AT_ONCE_MS} ms` : (error as Error).message;
    } finally {
      callOff();
      stream.cancel();
    }
  } catch (error) {
    if (!(error instanceof LostAnswer)) throw error;
    seen.why = error.message;
  }
  return seen;
}

function isStream(t: Context, { status, type, contentEncoding }: Seen, what: string): void {
  t.equal(status, 200, "HTTP-STREAM", `the status of ${what}`);
  t.equal(type, contentTypeOf("Watch", t.session.codec), "HTTP-STREAM", `the media type of ${what}`);
  t.equal(contentEncoding, "identity", "HTTP-COMPRESSION", `the Content-Encoding of ${what}, which offered none`);
}

/** Expects a stream that holds nothing but the end-of-stream message, with an error. */
function refusalOf(t: Context, seen: Seen, what: string): Refusal {
  isStream(t, seen, what);
  const flags = seen.envelopes.map((it) => it.flags);
  t.equal(flags, [FLAG_END], "HTTP-STREAM", `the flags of the envelopes in the answer to ${what} (${seen.why})`);
  t.equal(seen.closed, true, "HTTP-STREAM", `after the end of the answer to ${what} the stream goes on (${seen.why})`);
  const refusal = errorIn(seen.envelopes[0] as Envelope);
  if (refusal !== undefined) return refusal;
  const text = Buffer.from(seen.envelopes[0]?.body ?? []).toString();
  return t.fail("HTTP-STREAM", `the end of the stream of ${what}`, "a JSON object with an error in it", text);
}

/** The error of an end-of-stream message; undefined if there is none. */
function errorIn({ body }: Envelope): Refusal | undefined {
  try {
    const { error } = JSON.parse(Buffer.from(body).toString()) as { error?: unknown };
    return error === undefined ? undefined : parseError(200, JSON.stringify(error));
  } catch {
    return undefined;
  }
}

function frameOf(t: Context, { body }: Envelope): WatchResponse {
  try {
    if (t.session.codec === "proto") return fromBinary(WatchResponseSchema, body);
    return fromJson(WatchResponseSchema, JSON.parse(Buffer.from(body).toString()), { ignoreUnknownFields: true });
  } catch (error) {
    return t.fail("HTTP-STREAM", "a frame does not decode", "a WatchResponse", (error as Error).message);
  }
}
