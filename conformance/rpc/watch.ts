import { SeqSyncService, type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Transport } from "../transport/http.js";
import type { HttpStream } from "../transport/messages.js";
import { type Codec, decode, encode, mediaType, parseError, type Refusal } from "./connect.js";
import { envelope, envelopes, FLAG_END } from "./envelope.js";
import { authorization, pathOf } from "./session.js";

/** How a stream ended: in order, refused, or not as a stream has to end. */
export type StreamEnd =
  | { kind: "end" }
  | { kind: "refusal"; refusal: Refusal }
  | { kind: "malformed"; why: string }
  | { kind: "cut"; why: string };

export interface WatchListener {
  onFrame(frame: WatchResponse): void;
  /** How it ended. Comes with the end-of-stream message, before the answer itself is over. */
  onEnd(end: StreamEnd): void;
  /** The answer is over; with what is wrong about it if something came after the end-of-stream message. */
  onClose(wrong?: StreamEnd): void;
}

/** An open Watch. */
export interface OpenWatch {
  /** Goes away without a word, as a phone does. `onEnd` and `onClose` are then not called any more. */
  cancel(): void;
}

/** Opens a Watch and reports what comes. Never rejects: whatever goes wrong is told to `onEnd`, once, and then to nobody. */
export function openWatch(
  transport: Transport,
  { token, codec, endpoint }: { token: string | undefined; codec: Codec; endpoint: number },
  listener: WatchListener,
): OpenWatch {
  let stream: HttpStream | undefined;
  let cancelled = false;
  const contentType = `application/connect+${codec}`;

  let ended = false;
  const tell = (end: StreamEnd) => {
    if (cancelled || ended) return;
    ended = true;
    listener.onEnd(end);
  };

  /** Answers what is wrong about what came after the end. */
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
      tell(await notAStream(stream));
      return undefined;
    }
    for await (const { flags, body } of envelopes(stream.chunks)) {
      if (ended) return { kind: "malformed", why: "the stream goes on after the end-of-stream message" };
      const next = flags === FLAG_END ? endOf(Buffer.from(body).toString("utf8")) : frameOf(codec, flags, body);
      if (!("kind" in next)) {
        listener.onFrame(next);
        continue;
      }
      tell(next);
      if (next.kind === "malformed") return undefined;
    }
    tell({ kind: "cut", why: "the stream ended without an end-of-stream message" });
    return undefined;
  };

  read()
    // A connection that breaks after the end of its stream does no harm.
    .catch((error: Error) => tell({ kind: "cut", why: error.message }))
    .then((wrong) => {
      if (!cancelled) listener.onClose(wrong ?? undefined);
      stream?.cancel();
    });
  return {
    cancel: () => {
      cancelled = true;
      stream?.cancel();
    },
  };
}

function frameOf(codec: Codec, flags: number, body: Uint8Array): WatchResponse | StreamEnd {
  if (flags !== 0) return { kind: "malformed", why: `an envelope with flags ${flags}` };
  try {
    return decode(codec, WatchResponseSchema, body);
  } catch (error) {
    return { kind: "malformed", why: `a frame does not decode: ${(error as Error).message}` };
  }
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
      kind: "refusal",
      refusal: refusal ?? { status: stream.status, code: "", reason: 0, detail: undefined, text: "" },
    };
  }
  return { kind: "malformed", why: `status 200 with content type "${stream.headers["content-type"] ?? ""}"` };
}

function endOf(text: string): StreamEnd {
  const garbled = (what: string): StreamEnd => ({ kind: "malformed", why: `the end-of-stream message ${what}` });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return garbled("is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return garbled("is no JSON object");
  if (!("error" in json)) return { kind: "end" };
  const refusal = parseError(200, JSON.stringify(json.error));
  return refusal === undefined ? garbled("has an error without a code") : { kind: "refusal", refusal };
}
