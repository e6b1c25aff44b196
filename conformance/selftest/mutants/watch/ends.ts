import type { ServerResponse } from "node:http";
import type { WatchResponse } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal } from "../../../../reference-server/errors.js";
import { envelope } from "../../../../reference-server/http/codec.js";
import { rpcOf, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Handler = NonNullable<Mutant["handler"]>;

/** Changes how the stream of a Watch is written, once it has a frame. A refusal is written in one piece, and stays what it was. */
const writing =
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

/** Each Watch ends at once, after its first frame, with this text as its end-of-stream message. */
const endingWith = (text: string): Handler =>
  writing(({ write, end }, res) => ({
    write: (chunk: Uint8Array) => {
      if (res.writableEnded) return true;
      write(chunk);
      end(envelope(Buffer.from(text), 2));
      return true;
    },
  }));

/** Faults of the chapter "Watch": what lasts too long, or not long enough, and how it ends. */
export const watchEnds: readonly Mutant[] = [
  {
    name: "watch-without-heartbeat",
    breaks: "WATCH-HEARTBEAT",
    about: "a Watch of an inbox that does not change is silent for two minutes",
    options: { heartbeatMs: 120_000 },
  },
  {
    name: "watch-ends-without-a-word",
    breaks: "WATCH-END",
    about: "a Watch that the server ends has no end-of-stream message",
    handler: (real) => (req, res) => {
      const { end, write } = res;
      let streaming = false;
      res.write = ((chunk: Uint8Array) => {
        streaming = true;
        return write.call(res, chunk, "utf8");
      }) as typeof write;
      // A refusal is written in one piece, and stays what it was.
      res.end = ((body: Uint8Array) =>
        streaming ? end.call(res, "", "utf8") : end.call(res, body, "utf8")) as typeof end;
      return real(req, res);
    },
  },
  {
    name: "watch-end-is-an-array",
    breaks: "HTTP-STREAM",
    about: "a Watch is short, and its end-of-stream message is [], as PHP writes an object without members",
    handler: endingWith("[]"),
  },
  {
    name: "watch-end-is-null",
    breaks: "HTTP-STREAM",
    about: "a Watch is short, and its end-of-stream message is null, for there was no error",
    handler: endingWith("null"),
  },
  {
    name: "watch-goes-on-after-its-end",
    breaks: "HTTP-STREAM",
    about:
      "when a Watch is ended for its credential, the last frame is flushed once more, after the end-of-stream message",
    handler: writing(({ write, end }) => {
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
    about: "the end-of-stream message comes, and the answer stays open for a minute",
    handler: writing(({ write, end }) => ({
      end: (chunk: Uint8Array) => {
        write(chunk);
        setTimeout(end, 60_000).unref();
      },
    })),
  },
  {
    name: "watch-cut-by-a-write-timeout",
    breaks: "WATCH-END",
    about: "the HTTP server's write timeout of 30 seconds cuts each Watch",
    handler: (real) => (req, res) => {
      if (rpcOf(req) === "Watch") setTimeout(() => res.destroy(), 30_000).unref();
      return real(req, res);
    },
  },
  {
    name: "watch-stale-heartbeat",
    breaks: "WATCH-MONOTONE",
    about: "the heartbeat repeats the first frame, which its timer holds",
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
    about: "a Watch without a credential is answered with status 401",
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
