import { SeqSyncService, type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseError, noResponse } from "../transport/errors.js";
import type { Transport } from "../transport/http.js";
import { type Caller, type HttpStream, mayBeTruncated } from "../transport/messages.js";
import { type Codec, decode, encode, mediaType, parseError, resultOfError } from "./connect.js";
import { type Envelope, EnvelopeError, envelopes, FLAG_END } from "./envelope.js";
import { FloodError } from "./flood.js";
import { type EncodedCall, type RequestForm, requestOf } from "./forms/vary-request.js";
import type { CallResult } from "./result.js";
import { authorization, pathOf } from "./session.js";

/** How a stream ended: without an error, or with the result of a call that has no response message. */
export type StreamEnd =
  | { kind: "end" }
  /** The response is complete, but has no end-of-stream message. Only the server can cause that, not the network. */
  | { kind: "unfinished"; why: string }
  /** The connection broke, or was never opened. The server, a proxy or the network can cause that. */
  | { kind: "broken"; why: string; opened: boolean }
  /** There was no response within the time limit of the transport. */
  | { kind: "late"; why: string }
  /** The suite stopped reading, because the server sends frames without end. */
  | { kind: "flood"; why: string }
  | Exclude<CallResult<never>, { kind: "response" | "no-response" }>;

export interface WatchListener {
  /** Is called with the headers of the request and of its response. */
  onHead?(request: RequestForm["headers"], response: HttpStream["headers"]): void;
  onFrame(frame: WatchResponse): void;
  /** Is called once, when the stream ends: at the end-of-stream message, before the end of the response. */
  onEnd(end: StreamEnd): void;
  /** Is called when the response ends; with the violation if data followed the end-of-stream message. */
  onClose(violation?: StreamEnd): void;
}

/** An open Watch. */
export interface OpenWatch {
  /**
   * Closes the connection without a message, as a client that loses its network does. The listener is not called
   * afterwards.
   */
  cancel(): void;
}

export interface WatchCall {
  token: string | undefined;
  codec: Codec;
  endpoint: number;
  caller?: Caller;
  /** Makes the request of the call. Default: in the plain form. */
  formOf?: (call: EncodedCall) => RequestForm;
}

/** Opens a Watch, and passes the frames and the end to the listener. Never throws: `onEnd` receives the errors. */
export function openWatch(
  transport: Transport,
  { token, codec, endpoint, caller, formOf = (call) => requestOf(call, undefined) }: WatchCall,
  listener: WatchListener,
): OpenWatch {
  let stream: HttpStream | undefined;
  let cancelled = false;
  const contentType = `application/connect+${codec}`;

  let ended = false;
  const reportEnd = (end: StreamEnd) => {
    if (cancelled || ended) return;
    ended = true;
    listener.onEnd(end);
  };

  /** Returns the violation if data follows the end-of-stream message. */
  const read = async (): Promise<StreamEnd | undefined> => {
    const method = SeqSyncService.method.watch;
    const form = formOf({
      codec,
      schema: method.input,
      headers: { "content-type": contentType, ...authorization(token) },
      message: encode(codec, method.input, {}),
      isStream: true,
    });
    stream = await transport.stream({
      endpoint,
      path: pathOf(method),
      ...form,
      ...(caller === undefined ? {} : { caller }),
    });
    listener.onHead?.(form.headers, stream.headers);
    if (cancelled) stream.cancel();
    if (stream.status !== 200 || mediaType(stream.headers["content-type"]) !== contentType) {
      reportEnd(await interpretNonStream(stream));
      return undefined;
    }
    for await (const received of envelopes(stream.chunks)) {
      if (ended) return malformed("the stream continues after the end-of-stream message");
      const next = received.flags === FLAG_END ? parseEnd(received) : decodeFrame(codec, received);
      if (!("kind" in next)) {
        listener.onFrame(next);
        continue;
      }
      reportEnd(next);
      if (next.kind === "malformed") return undefined;
    }
    reportEnd(withoutEnd(stream.headers));
    return undefined;
  };

  read()
    // A broken connection after the end of the stream is not an error: `reportEnd` ignores it.
    .catch((error: Error) => reportEnd(endOfError(error, stream)))
    .then((violation) => {
      if (!cancelled) listener.onClose(violation ?? undefined);
      stream?.cancel();
    });
  return {
    cancel: () => {
      cancelled = true;
      stream?.cancel();
    },
  };
}

const malformed = (why: string): StreamEnd => ({ kind: "malformed", requirement: "HTTP-STREAM", why });

/** The end of a stream whose reader threw this error. */
function endOfError(error: Error, stream: HttpStream | undefined): StreamEnd {
  if (error instanceof FloodError) return { kind: "flood", why: error.message };
  if (!(error instanceof EnvelopeError)) {
    const failure = noResponse(error);
    const why = failure.message;
    const isLate = failure instanceof NoResponseError && failure.timedOut;
    return isLate ? { kind: "late", why } : { kind: "broken", why, opened: stream !== undefined };
  }
  return stream !== undefined && mayBeTruncated(stream.headers) ? withoutEnd(stream.headers) : malformed(error.message);
}

/** The end of a response that has no end-of-stream message, but seems to be complete. */
export const withoutEnd = (headers: HttpStream["headers"]): StreamEnd =>
  mayBeTruncated(headers)
    ? { kind: "broken", why: "the connection was closed before the end-of-stream message", opened: true }
    : { kind: "unfinished", why: "the response is complete, but has no end-of-stream message" };

/** Decodes a frame. */
export function decodeFrame(codec: Codec, { flags, body }: Envelope): WatchResponse | StreamEnd {
  if (flags !== 0) return malformed(`an envelope has the unknown flags ${flags}`);
  try {
    return decode(codec, WatchResponseSchema, body);
  } catch (error) {
    return malformed(`a frame does not decode: ${(error as Error).message}`);
  }
}

/** Maximum length of the body of an error, in bytes. */
const MAX_ERROR_BYTES = 65_536;

/** Parses an end-of-stream message. */
export function parseEnd({ body }: Pick<Envelope, "body">): StreamEnd {
  if (body.length > MAX_ERROR_BYTES)
    return malformed(
      `the end-of-stream message has ${body.length} bytes, and the suite reads at most ${MAX_ERROR_BYTES}`,
    );
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return malformed("the end-of-stream message is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return malformed("the end-of-stream message is not a JSON object");
  if (!("error" in json)) return { kind: "end" };
  const error = parseError(200, JSON.stringify(json.error));
  return error === undefined
    ? malformed("the end-of-stream message has an error without a code")
    : resultOfError(error);
}

async function interpretNonStream(stream: HttpStream): Promise<StreamEnd> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream.chunks) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) break;
  }
  if (stream.status === 200) return malformed(`status 200 with content type "${stream.headers["content-type"] ?? ""}"`);
  const error = parseError(stream.status, Buffer.concat(chunks).toString("utf8"));
  return resultOfError(error ?? { status: stream.status, code: "", reason: 0, detail: undefined, text: "" });
}
