import type { IncomingMessage, ServerResponse } from "node:http";
import { WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Refusal } from "../errors.js";
import type { Stream } from "../operations/watch.js";
import { type BodyType, endEnvelope, envelope } from "./codec.js";

/** The answering side of a Watch: envelopes until the last, which says how it ended. Also carries a refusal: the status is always 200. */
export function openStream(req: IncomingMessage, res: ServerResponse, { codec, contentType }: BodyType): Stream {
  // A short frame must not wait for the next one.
  req.socket.setNoDelay(true);
  if (!req.complete && !res.headersSent) res.setHeader("Connection", "close");
  // A refusal may come when the stream is open already.
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
