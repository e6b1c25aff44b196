import type { ServerResponse } from "node:http";
import type { WatchResponse } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal } from "../../../../reference-server/errors.js";
import { envelope } from "../../../../reference-server/http/codec.js";
import { rpcOf, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Handler = NonNullable<Mutant["handler"]>;

/**
 * Replaces `write` and `end` of a Watch's response from its first frame on. A refusal has no frame, and stays
 * unchanged.
 */
const wrapStream =
  (
    change: (real: { write(chunk: Uint8Array): boolean; end(chunk?: Uint8Array): void }, res: ServerResponse) => object,
  ): Handler =>
  (real) =>
  (req, res) => {
    if (rpcOf(req) !== "Watch") return real(req, res);
    const { write, end } = res;
    const plain = {
      write: (chunk: Uint8Array) => write.call(res, chunk, "utf8"),
      end: (chunk: Uint8Array = new Uint8Array()) => void end.call(res, chunk, "utf8"),
    };
    res.write = ((chunk: Uint8Array) => {
      Object.assign(res, plain, change(plain, res));
      return res.write(chunk);
    }) as typeof write;
    return real(req, res);
  };

/** Ends each Watch after its first frame, with this text as end-of-stream message. */
const endAfterFirstFrame = (text: string): Handler =>
  wrapStream(({ write, end }, res) => ({
    write: (chunk: Uint8Array) => {
      if (res.writableEnded) return true;
      write(chunk);
      end(envelope(Buffer.from(text), 2));
      return true;
    },
  }));

/** Mutants of the chapter "Watch": heartbeats, and the end of the stream. */
export const watchEnds: readonly Mutant[] = [
  {
    name: "watch-without-heartbeat",
    breaks: "WATCH-HEARTBEAT",
    about: "sends a heartbeat only every two minutes",
    options: { heartbeatMs: 120_000 },
  },
  {
    name: "watch-ends-without-a-word",
    breaks: "WATCH-END",
    about: "ends a Watch without an end-of-stream message",
    handler: (real) => (req, res) => {
      const { end, write } = res;
      let streaming = false;
      res.write = ((chunk: Uint8Array) => {
        streaming = true;
        return write.call(res, chunk, "utf8");
      }) as typeof write;
      // A refusal has no frame, and stays unchanged.
      res.end = ((body: Uint8Array) =>
        streaming ? end.call(res, "", "utf8") : end.call(res, body, "utf8")) as typeof end;
      return real(req, res);
    },
  },
  {
    name: "watch-end-is-an-array",
    breaks: "HTTP-STREAM",
    about: "ends each Watch after one frame with [] as end-of-stream message, as PHP writes an empty object",
    handler: endAfterFirstFrame("[]"),
  },
  {
    name: "watch-end-is-null",
    breaks: "HTTP-STREAM",
    about: "ends each Watch after one frame with null as end-of-stream message",
    handler: endAfterFirstFrame("null"),
  },
  {
    name: "watch-goes-on-after-its-end",
    breaks: "HTTP-STREAM",
    about: "sends a frame after the end-of-stream message",
    handler: wrapStream(({ write, end }) => {
      let last = new Uint8Array();
      return {
        write: (chunk: Uint8Array) => {
          last = Uint8Array.from(chunk);
          return write(chunk);
        },
        end: (chunk: Uint8Array) => end(Buffer.concat([chunk, last])),
      };
    }),
  },
  {
    name: "watch-open-after-its-end",
    breaks: "WATCH-END",
    about: "keeps the stream open for a minute after the end-of-stream message",
    handler: wrapStream(({ write, end }) => ({
      end: (chunk: Uint8Array) => {
        write(chunk);
        setTimeout(end, 60_000).unref();
      },
    })),
  },
  {
    name: "watch-closed-instead-of-ended",
    breaks: "WATCH-END",
    about: "closes the connection instead of ending a Watch",
    handler: wrapStream((_, res) => ({ end: () => void res.destroy() })),
  },
  {
    name: "watch-closed-after-each-frame",
    breaks: "WATCH-END",
    about: "closes the connection after the first frame of each Watch, as a worker that crashes does",
    handler: wrapStream(({ write }, res) => ({
      write: (chunk: Uint8Array) => {
        const ready = write(chunk);
        setImmediate(() => res.destroy());
        return ready;
      },
    })),
  },
  {
    name: "watch-ends-within-an-envelope",
    breaks: "HTTP-STREAM",
    about: "ends a Watch with half of the end-of-stream message",
    handler: wrapStream(({ end }) => ({ end: (chunk: Uint8Array) => end(chunk.subarray(0, chunk.length >> 1)) })),
  },
  {
    name: "watch-cut-by-a-write-timeout",
    breaks: "WATCH-END",
    about: "cuts each Watch after 30 seconds, as an HTTP server's write timeout does",
    handler: (real) => (req, res) => {
      if (rpcOf(req) === "Watch") setTimeout(() => res.destroy(), 30_000).unref();
      return real(req, res);
    },
  },
  {
    name: "watch-stale-heartbeat",
    breaks: "WATCH-MONOTONE",
    about: "repeats the first frame as heartbeat",
    operations: wrapWatch((stream) => {
      let timer: NodeJS.Timeout | undefined;
      stream.onClose(() => clearInterval(timer));
      return {
        ...stream,
        write: (frame: WatchResponse) => {
          timer ??= setInterval(() => stream.write(frame), 15_000);
          return stream.write(frame);
        },
      };
    }),
  },
  {
    name: "watch-refused-by-http",
    breaks: "HTTP-STREAM",
    about: "refuses a Watch without a credential with status 401 instead of in the stream",
    handler: (real, service) => (req, res) => {
      if (!req.url?.endsWith("/Watch") || req.method !== "POST") return real(req, res);
      try {
        service.accounts.authenticate(req.headers.authorization);
        return real(req, res);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        req.resume();
        res.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthenticated"}');
        return undefined;
      }
    },
  },
];
