import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { HttpResponse } from "../interceptors.js";
import {
  errorOf,
  isJson,
  mapBodiesOfAnyLength,
  mapResponses,
  readAll,
  respondInstead,
  rpcOf,
  withBody,
} from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { decodablePrefix, decodes, mapBinaryBodies, SCHEMAS } from "./malformed.js";

/**
 * Accepts bodies of any length for one RPC. The reference server keeps its limit, so a long body is shortened to its
 * meaningful part before this server reads it.
 */
const withoutBodyLimit = (rpc: string) =>
  mapBodiesOfAnyLength((body, req) => {
    delete req.headers["content-length"];
    if (rpcOf(req) !== rpc || body.length < 1 << 20) return body;
    if (rpc === "Watch") return isJson(req) ? Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]) : Buffer.alloc(5);
    return isJson(req)
      ? Buffer.from(JSON.stringify(JSON.parse(body.toString())))
      : decodablePrefix(body.subarray(0, 256), SCHEMAS[rpc] as DescMessage);
  });

/**
 * Whether the reference server refused a body for its length. No reason is specific to this refusal, so the message is
 * matched.
 */
const isBodyLimit = (response: HttpResponse, req: IncomingMessage) =>
  rpcOf(req) in SCHEMAS && /\bbody\b.*\b\d+ bytes/.test(errorOf(response)?.message ?? "");

/** Mutants of the chapter "HTTP binding": transfer and length of bodies, and the bodies of streams. */
export const httpBodies: readonly Mutant[] = [
  {
    name: "http-no-chunks",
    breaks: "HTTP-CHUNKED",
    about: "responds with 411 to a body without Content-Length",
    handler: respondInstead((req) => (req.headers["transfer-encoding"] === undefined ? undefined : { status: 411 })),
  },
  {
    name: "http-first-chunk",
    breaks: "HTTP-CHUNKED",
    about: "reads only the first chunk of a chunked body",
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
    about: "executes the part that has arrived of a truncated request",
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
    about: "rejects a chunked body of more than 8 KiB, though not one with Content-Length",
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
    about: "accepts a chunked body whose connection ends before the last chunk",
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
    about: "limits a body to max_payload_bytes plus 4 KiB, which is too little for the largest payload in JSON",
    options: { maxPayloadBytes: 128 << 10 },
    handler: respondInstead((req) => (Number(req.headers["content-length"]) > 132 << 10 ? { status: 413 } : undefined)),
  },
  {
    name: "http-body-of-16-kib",
    breaks: "HTTP-BODY-ROOM",
    about: "limits the body of calls other than Send to 16 KiB",
    handler: respondInstead((req) =>
      rpcOf(req) !== "Send" && Number(req.headers["content-length"]) > 16 << 10 ? { status: 413 } : undefined,
    ),
  },
  {
    name: "http-body-refused-too-late",
    breaks: "HTTP-BODY-LIMIT",
    about: "executes a call whose body is too long, and responds with 413",
    handler: (real) => {
      const tooLong = new WeakSet<object>();
      const shortened = mapBinaryBodies((body, schema, req) => {
        if (body.length < 1 << 20 || !decodes(body, schema)) return body;
        tooLong.add(req.socket);
        return Buffer.from(toBinary(schema, fromBinary(schema, body), { writeUnknownFields: false }));
      }, mapBodiesOfAnyLength);
      return shortened(
        mapResponses((response, { socket }) => (tooLong.delete(socket) ? { ...response, status: 413 } : response))(
          real,
        ),
      );
    },
  },
  {
    name: "http-body-limit-is-internal",
    breaks: "HTTP-BODY-LIMIT",
    about: "responds with an internal error to a body that is too long",
    handler: mapResponses((response, req) =>
      isBodyLimit(response, req) ? { ...response, status: 500, body: Buffer.from('{"code":"internal"}') } : response,
    ),
  },
  {
    name: "http-body-limit-is-again",
    breaks: "HTTP-BODY-LIMIT",
    about: "responds with resource_exhausted to a body that is too long, as Connect libraries do: clients retry it",
    handler: mapResponses((response, req) =>
      isBodyLimit(response, req)
        ? { ...response, status: 429, body: Buffer.from('{"code":"resource_exhausted"}') }
        : response,
    ),
  },
  {
    name: "http-body-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "reads the body of a Sync without a limit",
    handler: withoutBodyLimit("Sync"),
  },
  {
    name: "http-body-of-info-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "reads the body of GetServerInfo, which needs no credential, without a limit",
    handler: withoutBodyLimit("GetServerInfo"),
  },
  {
    name: "http-body-unpacked-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "accepts gzip requests, and limits only their compressed size",
    handler: (real) => {
      const unlimited = withoutBodyLimit("Send")(real);
      return async (req, res) => {
        const body = req.headers["content-encoding"] === "gzip" ? await readAll(req) : undefined;
        // 1f 8b is the magic number of gzip.
        if (body?.readUInt16BE() !== 0x1f8b) return real(body === undefined ? req : withBody(req, body), res);
        delete req.headers["content-encoding"];
        return unlimited(withBody(req, gunzipSync(body)), res);
      };
    },
  },
  {
    name: "http-body-of-watch-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "allocates the length that the envelope of a Watch declares, without a limit",
    handler: withoutBodyLimit("Watch"),
  },
  {
    name: "http-stream-type-of-unary",
    breaks: "HTTP-STREAM",
    about: "sends a Watch response with the media type of unary calls",
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
    about: "ends a refused Watch with an empty end-of-stream message",
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
    about: "ends a refused Watch without an error",
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

/**
 * Number of bytes that a connection has received when the first chunk of its first request is complete. `length` is the
 * length of this chunk.
 */
function bytesUpToOneChunk({ method, url, rawHeaders }: IncomingMessage, length: number): number {
  const names = rawHeaders.filter((_, n) => n % 2 === 0);
  const lines = names.map((name, n) => `${name}: ${rawHeaders[2 * n + 1]}`);
  const head = [`${method} ${url} HTTP/1.1`, ...lines, "", length.toString(16)].join("\r\n");
  return head.length + length + 4;
}
