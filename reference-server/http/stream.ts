import type { IncomingMessage, ServerResponse } from "node:http";
import { WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Refusal } from "../errors.js";
import type { Stream } from "../operations/watch.js";
import { type BodyType, endEnvelope, envelope } from "./codec.js";

/** Opens the response stream of a Watch. Its HTTP status is always 200: a refusal is in the end-of-stream message. */
export function openStream(req: IncomingMessage, res: ServerResponse, { codec, contentType }: BodyType): Stream {
  // Without this, TCP may delay a short frame until the next one.
  req.socket.setNoDelay(true);
  if (!req.complete && !res.headersSent) res.setHeader("Connection", "close");
  // The stream may be open already when the call is refused.
  if (!res.headersSent) res.writeHead(200, { "Content-Type": contentType, "Cache-Control": "no-store" });
  return {
    write: (frame) => res.writableEnded || res.write(envelope(codec.encode(WatchResponseSchema, frame))),
    onReady: (callback) => res.on("drain", callback),
    onClose: (callback) => res.on("close", callback),
    end: (error?: Refusal) => {
      if (!res.writableEnded) res.end(endEnvelope(error));
    },
  };
}
