import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { errorOf, isJson, mapBodies, mapResponses, readAll, respondInstead, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { beginning, binary, decodes, SCHEMAS } from "./malformed.js";

/** Reads the bodies of an RPC without a bound; what is too long for the server behind that is left out, as it means nothing. */
const unbounded = (rpc: string) =>
  mapBodies((body, req) => {
    delete req.headers["content-length"];
    if (rpcOf(req) !== rpc || body.length < 1 << 20) return body;
    if (rpc === "Watch") return isJson(req) ? Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]) : Buffer.alloc(5);
    return isJson(req)
      ? Buffer.from(JSON.stringify(JSON.parse(body.toString())))
      : beginning(body.subarray(0, 256), SCHEMAS[rpc] as DescMessage);
  });

/** Faults of the chapter "HTTP binding": how bodies come, how long they may be, and those of streams. */
export const httpBodies: readonly Mutant[] = [
  {
    name: "http-no-chunks",
    breaks: "HTTP-CHUNKED",
    about: "a body without a declared length is answered with 411",
    handler: respondInstead((req) => (req.headers["transfer-encoding"] === undefined ? undefined : { status: 411 })),
  },
  {
    name: "http-first-chunk",
    breaks: "HTTP-CHUNKED",
    about: "of a chunked body only the first piece is read",
    handler: (real) => async (req, res) => {
      if (req.headers["transfer-encoding"] === undefined) return real(req, res);
      let first: Buffer | undefined;
      req.on("data", (piece: Buffer) => {
        first ??= piece;
      });
      req.on("end", () => real(withBody(req, first ?? Buffer.alloc(0)), res));
    },
  },
  {
    name: "http-cut-request-is-done",
    breaks: "HTTP-CUT-REQUEST",
    about: "of a request that is cut off, what came is carried out",
    handler: (real) => (req, res) => {
      const pieces: Buffer[] = [];
      req.on("data", (piece: Buffer) => pieces.push(piece));
      const done = () => real(withBody(req, Buffer.concat(pieces)), res);
      req.on("end", done);
      req.on("error", done);
    },
  },
  {
    name: "http-chunks-of-8-kib-in-all",
    breaks: "HTTP-CHUNKED",
    about: "a body in chunks is buffered in 8 KiB and refused beyond them; one with a length is not",
    handler: (real) => async (req, res) => {
      if (req.headers["transfer-encoding"] === undefined || !(rpcOf(req) in SCHEMAS)) return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      if (body.length <= 8192) return real(withBody(req, body), res);
      return res.writeHead(413, { "content-type": "text/plain" }).end("too large\n");
    },
  },
  {
    name: "http-cut-before-the-last-chunk",
    breaks: "HTTP-CUT-REQUEST",
    about: "a connection that ends after a whole chunk, and before the last one, counts as the end of the body",
    handler: (real) => (req, res) => {
      if (req.headers["transfer-encoding"] === undefined || !(rpcOf(req) in SCHEMAS)) return real(req, res);
      const pieces: Buffer[] = [];
      req.on("data", (piece: Buffer) => pieces.push(piece));
      req
        .once("error", () => {})
        .once("close", () => {
          const body = Buffer.concat(pieces);
          if (req.complete || req.socket.bytesRead === bytesUpToOneChunk(req, body.length))
            real(withBody(req, body), res);
        });
      return undefined;
    },
  },
  {
    name: "http-body-of-max-payload",
    breaks: "HTTP-BODY-ROOM",
    about: "a body may be as long as the longest payload, which is too little for it in JSON",
    options: { maxPayloadBytes: 128 << 10 },
    handler: respondInstead((req) => (Number(req.headers["content-length"]) > 132 << 10 ? { status: 413 } : undefined)),
  },
  {
    name: "http-body-of-16-kib",
    breaks: "HTTP-BODY-ROOM",
    about: "for calls other than Send a body may have 16 KiB",
    handler: respondInstead((req) =>
      rpcOf(req) !== "Send" && Number(req.headers["content-length"]) > 16 << 10 ? { status: 413 } : undefined,
    ),
  },
  {
    name: "http-body-refused-too-late",
    breaks: "HTTP-BODY-LIMIT",
    about: "a body that is too long is answered with 413, after the call has been carried out",
    handler: (real) => {
      const tooLong = new WeakSet<object>();
      const measured = binary((body, schema, req) => {
        if (body.length < 1 << 20 || !decodes(body, schema)) return body;
        tooLong.add(req.socket);
        return Buffer.from(toBinary(schema, fromBinary(schema, body), { writeUnknownFields: false }));
      });
      return measured(
        mapResponses((answer, { socket }) => (tooLong.delete(socket) ? { ...answer, status: 413 } : answer))(real),
      );
    },
  },
  {
    name: "http-body-limit-is-internal",
    breaks: "HTTP-BODY-LIMIT",
    about: "a body that is too long is answered with an internal error",
    handler: mapResponses((answer, req) =>
      errorOf(answer)?.message.startsWith("the body is longer") && rpcOf(req) in SCHEMAS
        ? { ...answer, status: 500, body: Buffer.from('{"code":"internal"}') }
        : answer,
    ),
  },
  {
    name: "http-body-limit-is-again",
    breaks: "HTTP-BODY-LIMIT",
    about:
      "a body that is too long is answered with resource_exhausted, as Connect libraries do: the client sends it again",
    handler: mapResponses((answer, req) =>
      errorOf(answer)?.message.startsWith("the body is longer") && rpcOf(req) in SCHEMAS
        ? { ...answer, status: 429, body: Buffer.from('{"code":"resource_exhausted"}') }
        : answer,
    ),
  },
  {
    name: "http-body-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "a Sync is read to its end, however long it is",
    handler: unbounded("Sync"),
  },
  {
    name: "http-body-of-info-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "GetServerInfo, which anybody can call, is read to its end, however long it is",
    handler: unbounded("GetServerInfo"),
  },
  {
    name: "http-body-unpacked-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "requests in gzip are taken, and the bound is kept before they are unpacked only",
    handler: (real) => {
      const roomy = unbounded("Send")(real);
      return async (req, res) => {
        const body = req.headers["content-encoding"] === "gzip" ? await readAll(req) : undefined;
        // 1f 8b is how gzip begins.
        if (body?.readUInt16BE() !== 0x1f8b) return real(body === undefined ? req : withBody(req, body), res);
        delete req.headers["content-encoding"];
        return roomy(withBody(req, gunzipSync(body)), res);
      };
    },
  },
  {
    name: "http-body-of-watch-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "a Watch gets room for whatever length its envelope names",
    handler: unbounded("Watch"),
  },
  {
    name: "http-stream-type-of-unary",
    breaks: "HTTP-STREAM",
    about: "a Watch is answered with the media type of unary calls",
    handler: (real) => (req, res) => {
      const { writeHead } = res;
      res.writeHead = ((status: number, headers: Record<string, string>) =>
        writeHead.call(res, status, {
          ...headers,
          "Content-Type": headers["Content-Type"]?.replace("connect+", ""),
        })) as typeof writeHead;
      return real(req, res);
    },
  },
  {
    name: "http-stream-end-is-empty",
    breaks: "HTTP-STREAM",
    about: "the end-of-stream message of a Watch that was refused is empty",
    handler: (real) => (req, res) => {
      const { end } = res;
      if (rpcOf(req) === "Watch")
        res.end = ((body: Buffer) =>
          end.call(res, body?.[0] === 2 ? Buffer.from([2, 0, 0, 0, 0]) : body, "utf8")) as typeof end;
      return real(req, res);
    },
  },
  {
    name: "http-stream-end-without-error",
    breaks: "HTTP-STREAM",
    about: "a Watch that is refused ends like one that went well",
    handler: (real) => (req, res) => {
      const { end } = res;
      if (rpcOf(req) === "Watch")
        res.end = ((body: Buffer) =>
          end.call(
            res,
            body?.[0] === 2 ? Buffer.from("\u0002\u0000\u0000\u0000\u0002{}") : body,
            "utf8",
          )) as typeof end;
      return real(req, res);
    },
  },
];

/** How many bytes a request on a connection of its own has, up to the end of a body in one chunk, as the suite writes it. */
function bytesUpToOneChunk({ method, url, rawHeaders }: IncomingMessage, length: number): number {
  const names = rawHeaders.filter((_, n) => n % 2 === 0);
  const lines = names.map((name, n) => `${name}: ${rawHeaders[2 * n + 1]}`);
  const head = [`${method} ${url} HTTP/1.1`, ...lines, "", length.toString(16)].join("\r\n");
  return head.length + length + 4;
}
