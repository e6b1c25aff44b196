import { fromBinary, fromJson } from "@bufbuild/protobuf";
import { type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { emptyOf } from "../cases/http/calls.js";
import type { RequirementId } from "../requirements/requirements.js";
import { isRetryable, isRetryableStatus, mediaType, parseError, type Refusal } from "../rpc/connect.js";
import { type Envelope, envelope, envelopes, FLAG_END } from "../rpc/envelope.js";
import { authorization } from "../rpc/session.js";
import { afterDeadline } from "../transport/deadline.js";
import { NoResponseError } from "../transport/errors.js";
import type { Context } from "./context.js";
import { contentTypeOf, pathOf, waitAsAsked } from "./raw-calls.js";

/** How long a first frame, or the end of what is refused, may take, in milliseconds. */
const AT_ONCE_MS = 5000;

/** What came of a Watch, envelope by envelope. */
export interface Seen {
  status: number;
  type: string;
  contentEncoding: string;
  /** How envelopes with the flag 0x01 are packed. */
  frameEncoding: string;
  envelopes: Envelope[];
  /** Why reading stopped, for people. */
  why: string;
  /** Whether it stopped because the stream did, and not because enough was seen or the time was up. */
  closed: boolean;
}

export interface WatchArguments {
  token: string | undefined;
  /** Default: that of the case's codec. Null leaves it away. */
  contentType?: string | null;
  /** What stands in the URL behind the path. Default: nothing. */
  query?: string;
  /** Beyond content type and credential, or instead of them. */
  headers?: Readonly<Record<string, string>>;
  /** Default: one envelope with the empty message. */
  body?: Uint8Array | readonly Uint8Array[];
  until: "a frame" | "the end";
}

/** Opens a Watch and looks at its envelopes; again if the server asks for that. */
export async function rawWatch(t: Context, args: WatchArguments): Promise<Seen> {
  for (let tries = 0; ; tries += 1) {
    const seen = await watchOnce(t, args);
    const last = seen.envelopes.at(-1);
    const refusal = last?.flags === FLAG_END ? errorIn(last) : undefined;
    const again = isRetryableStatus(seen.status) || (refusal !== undefined && isRetryable(refusal));
    if (!again) return seen;
    await waitAsAsked(t, tries, refusal?.code ?? `HTTP ${seen.status}`);
  }
}

async function watchOnce(t: Context, args: WatchArguments): Promise<Seen> {
  const own = contentTypeOf("Watch", t.session.codec);
  const { token, query = "", contentType = own, headers, body, until } = args;
  const seen: Seen = {
    status: 0,
    type: "",
    contentEncoding: "",
    frameEncoding: "",
    envelopes: [],
    why: "",
    closed: false,
  };
  try {
    const stream = await t.session.transport.stream({
      endpoint: t.session.nextEndpoint(),
      path: pathOf("Watch") + query,
      headers: {
        ...(contentType === null ? {} : { "content-type": contentType }),
        ...authorization(token),
        ...headers,
      },
      body: body ?? envelope(emptyOf(t.session.codec)),
    });
    seen.status = stream.status;
    seen.type = mediaType(stream.headers["content-type"]);
    seen.contentEncoding = stream.headers["content-encoding"] ?? "identity";
    seen.frameEncoding = stream.headers["connect-content-encoding"] ?? "identity";
    let late = false;
    const callOff = afterDeadline(t.deadline(AT_ONCE_MS), () => {
      late = true;
      stream.cancel();
    });
    try {
      if (seen.status === 200 && seen.type === own) {
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
    if (!(error instanceof NoResponseError)) throw error;
    seen.why = error.message;
  }
  return seen;
}

export function isStream(t: Context, { status, type, contentEncoding }: Seen, what: string): void {
  t.equal(status, 200, "HTTP-STREAM", `the status of ${what}`);
  t.equal(type, contentTypeOf("Watch", t.session.codec), "HTTP-STREAM", `the media type of ${what}`);
  t.equal(contentEncoding, "identity", "HTTP-COMPRESSION", `the Content-Encoding of ${what}, which offered none`);
}

/** Expects a stream that holds nothing but the end-of-stream message, with an error. */
export function refusalOf(t: Context, seen: Seen, what: string): Refusal {
  isStream(t, seen, what);
  const flags = seen.envelopes.map((it) => it.flags);
  t.equal(flags, [FLAG_END], "HTTP-STREAM", `the flags of the envelopes in the answer to ${what} (${seen.why})`);
  t.equal(seen.closed, true, "HTTP-STREAM", `after the end of the answer to ${what} the stream goes on (${seen.why})`);
  const refusal = errorIn(seen.envelopes[0] as Envelope);
  if (refusal !== undefined) return refusal;
  const text = Buffer.from(seen.envelopes[0]?.body ?? []).toString();
  return t.fail("HTTP-STREAM", `the end of the stream of ${what}`, "a JSON object with an error in it", text);
}

/** Expects a Watch to have begun well, and answers its first frame. */
export function firstFrame(t: Context, requirement: RequirementId, seen: Seen, what: string): WatchResponse {
  const [first] = seen.envelopes;
  if (first?.flags === 0) return frameOf(t, first);
  const end = first === undefined ? seen.why : Buffer.from(first.body).toString();
  return t.fail(requirement, `${what} has no frame`, "one at once", end);
}

/** The error of an end-of-stream message; undefined if there is none. */
export function errorIn({ body }: Envelope): Refusal | undefined {
  try {
    const { error } = JSON.parse(Buffer.from(body).toString()) as { error?: unknown };
    return error === undefined ? undefined : parseError(200, JSON.stringify(error));
  } catch {
    return undefined;
  }
}

export function frameOf(t: Context, { body }: Envelope): WatchResponse {
  try {
    if (t.session.codec === "proto") return fromBinary(WatchResponseSchema, body);
    return fromJson(WatchResponseSchema, JSON.parse(Buffer.from(body).toString()), { ignoreUnknownFields: true });
  } catch (error) {
    return t.fail("HTTP-STREAM", "a frame does not decode", "a WatchResponse", (error as Error).message);
  }
}
