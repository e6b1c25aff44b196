import { SeqSyncService, type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Codec, decode, encode, mediaType, parseError, type Refusal } from "./connect.js";
import { envelope, envelopes, FLAG_END } from "./envelope.js";
import type { HttpStream, Transport } from "./http.js";
import { authorization, pathOf } from "./session.js";

/** How a stream ended: in order, refused, or not as a stream has to end. */
export type StreamEnd =
  | { kind: "end" }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "garbled"; why: string }
  | { kind: "cut"; why: string };

export interface WatchListener {
  onFrame(frame: WatchResponse): void;
  onEnd(end: StreamEnd): void;
}

/** An open Watch. */
export interface OpenWatch {
  /** Goes away without a word, as a phone does. `onEnd` is then not called. */
  cancel(): void;
}

/** Opens a Watch and reports what comes. Never rejects: whatever goes wrong is told to `onEnd`, once. */
export function openWatch(
  transport: Transport,
  { token, codec, endpoint }: { token: string | undefined; codec: Codec; endpoint: number },
  listener: WatchListener,
): OpenWatch {
  let stream: HttpStream | undefined;
  let cancelled = false;
  const contentType = `application/connect+${codec}`;

  const read = async (): Promise<StreamEnd> => {
    const method = SeqSyncService.method.watch;
    stream = await transport.stream({
      endpoint,
      path: pathOf(method),
      headers: { "content-type": contentType, ...authorization(token) },
      body: envelope(encode(codec, method.input, {})),
    });
    if (cancelled) stream.cancel();
    if (stream.status !== 200 || mediaType(stream.headers["content-type"]) !== contentType) {
      return notAStream(stream);
    }
    for await (const { flags, body } of envelopes(stream.chunks)) {
      if (flags === FLAG_END) return endOf(Buffer.from(body).toString("utf8"));
      if (flags !== 0) return { kind: "garbled", why: `an envelope with flags ${flags}` };
      let frame: WatchResponse;
      try {
        frame = decode(codec, WatchResponseSchema, body);
      } catch (error) {
        return { kind: "garbled", why: `a frame does not decode: ${(error as Error).message}` };
      }
      listener.onFrame(frame);
    }
    return { kind: "cut", why: "the stream ended without an end-of-stream message" };
  };

  read()
    .catch((error: Error): StreamEnd => ({ kind: "cut", why: error.message }))
    .then((end) => {
      if (!cancelled) listener.onEnd(end);
      stream?.cancel();
    });
  return {
    cancel: () => {
      cancelled = true;
      stream?.cancel();
    },
  };
}

async function notAStream(stream: HttpStream): Promise<StreamEnd> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.chunks) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length > 65_536) break;
  }
  const refusal = parseError(stream.status, Buffer.concat(chunks).toString("utf8"));
  if (stream.status !== 200) {
    return {
      kind: "refused",
      refusal: refusal ?? { status: stream.status, code: "", reason: 0, detail: undefined, text: "" },
    };
  }
  return { kind: "garbled", why: `status 200 with content type "${stream.headers["content-type"] ?? ""}"` };
}

function endOf(text: string): StreamEnd {
  let json: { error?: unknown };
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: "garbled", why: "the end-of-stream message is not JSON" };
  }
  if (json.error === undefined) return { kind: "end" };
  const refusal = parseError(200, JSON.stringify(json.error));
  return refusal === undefined
    ? { kind: "garbled", why: "the end-of-stream message's error has no code" }
    : { kind: "refused", refusal };
}
