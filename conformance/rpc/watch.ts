import { SeqSyncService, type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Transport } from "../transport/http.js";
import type { HttpStream } from "../transport/messages.js";
import { type Codec, decode, encode, mediaType, parseError, resultOfError } from "./connect.js";
import { type Envelope, envelope, envelopes, FLAG_END } from "./envelope.js";
import type { CallResult } from "./result.js";
import { authorization, pathOf } from "./session.js";

/** How a stream ended: without an error, or with the result of a call that has no response message. */
export type StreamEnd = { kind: "end" } | Exclude<CallResult<never>, { kind: "response" }>;

export interface WatchListener {
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

/** Opens a Watch, and passes the frames and the end to the listener. Never throws: `onEnd` receives the errors. */
export function openWatch(
  transport: Transport,
  { token, codec, endpoint }: { token: string | undefined; codec: Codec; endpoint: number },
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
    stream = await transport.stream({
      endpoint,
      path: pathOf(method),
      headers: { "content-type": contentType, ...authorization(token) },
      body: envelope(encode(codec, method.input, {})),
    });
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
    reportEnd(brokenStream("the stream ended without an end-of-stream message"));
    return undefined;
  };

  read()
    // A broken connection after the end of the stream is not an error: `reportEnd` ignores it.
    .catch((error: Error) => reportEnd(brokenStream(error.message)))
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
const brokenStream = (why: string): StreamEnd => ({ kind: "no-response", why });

/** Decodes a frame. */
export function decodeFrame(codec: Codec, { flags, body }: Envelope): WatchResponse | StreamEnd {
  if (flags !== 0) return malformed(`an envelope has the unknown flags ${flags}`);
  try {
    return decode(codec, WatchResponseSchema, body);
  } catch (error) {
    return malformed(`a frame does not decode: ${(error as Error).message}`);
  }
}

/** Parses an end-of-stream message. */
export function parseEnd({ body }: Pick<Envelope, "body">): StreamEnd {
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

/** Maximum length of the body of an error, in bytes. */
const MAX_ERROR_BYTES = 65_536;

async function interpretNonStream(stream: HttpStream): Promise<StreamEnd> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.chunks) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length > MAX_ERROR_BYTES) break;
  }
  if (stream.status === 200) return malformed(`status 200 with content type "${stream.headers["content-type"] ?? ""}"`);
  const error = parseError(stream.status, Buffer.concat(chunks).toString("utf8"));
  return resultOfError(error ?? { status: stream.status, code: "", reason: 0, detail: undefined, text: "" });
}
