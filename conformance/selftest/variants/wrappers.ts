import { randomInt } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { escaped, longhand, repeated, withUnknownFields } from "./encodings.js";
import { forgetful, rateLimited } from "./rate-limits.js";
import { type ErrorJson, rewriteResponses } from "./rewrite-responses.js";

/** What middleware in front of a server may do. All wrappers can be combined. */
export interface Wrapper {
  name: string;
  about: string;
  /** Matches the ids of the cases that the behaviour is most likely to affect. Default: all. */
  affects?: RegExp;
  wrap(inner: RequestListener): RequestListener;
}

export const WRAPPERS: readonly Wrapper[] = [
  {
    name: "credential-first",
    about: "checks for a credential before the path, the method and the content type",
    wrap: (inner) => credentialFirst(inner),
    affects: /^(http|auth|errors|info)/,
  },
  {
    name: "unknown-fields",
    about: "adds unknown fields and members at every level, as a later version may",
    wrap: (inner) =>
      rewriteResponses(inner, {
        message: withUnknownFields,
        error: (error) => ({ ...error, hint: { code: "unavailable" } }) as ErrorJson,
      }),
  },
  {
    name: "longhand",
    about: "writes defaults, fields in descending order, snake_case names and white space",
    wrap: (inner) => rewriteResponses(inner, { message: longhand }),
  },
  {
    name: "other-prose",
    about: "writes error messages in Chinese, or none",
    wrap: (inner) =>
      rewriteResponses(inner, {
        error: ({ message: _, ...rest }) =>
          rest.code.length % 2 === 0 ? rest : { ...rest, message: "出错了 \u2028 404" },
      }),
    affects: /^(errors|auth|http|ack|epoch)/,
  },
  {
    name: "more-details",
    about:
      "adds error details of other types around the ErrorDetail, whose type has a prefix and whose base64 is padded",
    wrap: (inner) =>
      rewriteResponses(inner, {
        error: surroundDetails,
        end: (end) => ({ metadata: { "x-trace": ["1", "2"] }, ...end }),
      }),
    affects: /^(errors|auth|http|ack|epoch)/,
  },
  {
    name: "gzip",
    about: "compresses responses for clients that accept gzip",
    wrap: (inner) => rewriteResponses(inner, { send: compress }),
  },
  {
    name: "gzip-members",
    about: "compresses responses in two members, and names the coding in capitals",
    wrap: (inner) => rewriteResponses(inner, { send: compressInMembers }),
  },
  {
    name: "repeated-fields",
    about: "writes each field twice, of which the last one counts, and numbers in more bytes than they need",
    wrap: (inner) => rewriteResponses(inner, { message: repeated }),
  },
  {
    name: "escaped-json",
    about: "escapes characters in JSON that need no escape",
    wrap: (inner) => rewriteResponses(inner, { message: escaped }),
  },
  {
    name: "unusual-values",
    about: "writes header values in capitals, with parameters, and in several lines",
    wrap: (inner) => rewriteResponses(inner, { send: withUnusualValues }),
  },
  {
    name: "chunked",
    about: "sends responses in chunks of 1, 3, 5, ... bytes",
    wrap: (inner) => rewriteResponses(inner, { send: inChunks }),
  },
  {
    name: "close",
    about: "closes the connection after each response",
    wrap: (inner) => (req, res) => {
      res.setHeader("Connection", "close");
      inner(req, res);
    },
  },
  {
    name: "talkative",
    about: "adds media type parameters and headers to responses",
    wrap: (inner) => (req, res) => {
      res.setHeader("WWW-Authenticate", 'Bearer realm="im"');
      res.setHeader("Set-Cookie", ["a=1; HttpOnly", "b=2"]);
      res.setHeader("Server-Timing", "db;dur=1");
      rewriteResponses(inner, { send: withCharset })(req, res);
    },
  },
  {
    name: "latency",
    about: "delays each request by 100 ms",
    wrap: (inner) => (req, res) => {
      setTimeout(() => inner(req, res), 100);
    },
  },
  {
    name: "late-answers",
    about: "delays responses by 0 to 60 ms, so that they overtake each other",
    wrap: (inner) =>
      rewriteResponses(inner, { send: (res, body) => void setTimeout(() => res.end(body), randomInt(60)) }),
  },
  {
    name: "rate-limit",
    about: "responds to every third call and every third Watch with a retryable error, of all kinds in turn",
    wrap: (inner) => rateLimited(inner, 3),
  },
  {
    name: "forgetful",
    about: "executes every 20th call and responds with a retryable error",
    wrap: (inner) => forgetful(inner, 20),
  },
  {
    name: "early-hints",
    about: "sends 103 Early Hints before each response",
    wrap: (inner) => (req, res) => {
      res.writeEarlyHints({ link: "</style.css>; rel=preload" });
      inner(req, res);
    },
  },
  {
    name: "unexpected-continue",
    about: "sends 100 Continue before each response",
    wrap: (inner) => (req, res) => {
      res.writeContinue();
      inner(req, res);
    },
  },
];

/** Adds a gateway that requires a bearer token before all other checks; the server then checks the token itself. */
function credentialFirst(inner: RequestListener): RequestListener {
  const body =
    '{"code":"unauthenticated","message":"a bearer token is required","details":[{"type":"seqsync.v1.ErrorDetail","value":"CAE"}]}';
  return (req, res) => {
    const isOpen = /\.SeqSyncService\/GetServerInfo(\?|$)|\.FixtureService\//.test(req.url ?? "");
    const isStream = /^application\/connect\+(proto|json)/i.test(req.headers["content-type"] ?? "");
    if (isOpen || isStream || /^bearer +\S/i.test(req.headers.authorization ?? "")) return inner(req, res);
    req.resume();
    res.writeHead(401, { "Content-Type": "application/json", "Cache-Control": "no-store", Connection: "close" });
    res.end(body);
  };
}

function surroundDetails(error: ErrorJson): ErrorJson {
  const other = { type: "google.rpc.ErrorInfo", value: "CgNhYmM", debug: { reason: "abc" } };
  const ours = (error.details ?? []).map(({ type, value }) => ({
    type: `type.googleapis.com/${type}`,
    value: Buffer.from(value, "base64").toString("base64"),
  }));
  return { ...error, details: [other, ...ours, { type: "acme.Trace", value: "" }] };
}

function compress(res: ServerResponse, body: Buffer, { headers }: { headers: Record<string, unknown> }): void {
  if (!/\bgzip\b(?! *; *q=0)/.test(String(headers["accept-encoding"] ?? ""))) return void res.end(body);
  const compressed = gzipSync(body);
  res.setHeader("Content-Encoding", "gzip").setHeader("Content-Length", compressed.length).end(compressed);
}

function compressInMembers(res: ServerResponse, body: Buffer, { headers }: { headers: Record<string, unknown> }): void {
  if (!/\bgzip\b(?! *; *q=0)/.test(String(headers["accept-encoding"] ?? ""))) return void res.end(body);
  const half = body.length >> 1;
  const compressed = Buffer.concat([gzipSync(body.subarray(0, half)), gzipSync(body.subarray(half))]);
  res.setHeader("Content-Encoding", "GZIP").setHeader("Content-Length", compressed.length).end(compressed);
}

function withUnusualValues(res: ServerResponse, body: Buffer): void {
  if (res.hasHeader("cache-control"))
    res.setHeader("Cache-Control", ['private="set-cookie, x"', "max-age=0 ,\tNo-Store"]);
  const type = String(res.getHeader("content-type") ?? "");
  if (/^application\/(proto|json)$/.test(type))
    res.setHeader("Content-Type", `${type.toUpperCase()} ; x="a;b\\"" ;y=1`);
  res.end(body);
}

function inChunks(res: ServerResponse, body: Buffer): void {
  res.removeHeader("Content-Length");
  res.flushHeaders();
  for (let at = 0, size = 1; at < body.length; at += size, size += 2) res.write(body.subarray(at, at + size));
  res.end();
}

function withCharset(res: ServerResponse, body: Buffer): void {
  if (res.getHeader("content-type") === "application/json") {
    res.setHeader("Content-Type", "Application/JSON;charset=UTF-8");
  }
  res.end(body);
}
