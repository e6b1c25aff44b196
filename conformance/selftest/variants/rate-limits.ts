import type { RequestListener, ServerResponse } from "node:http";
import { rewriteResponses } from "./rewrite-responses.js";

/** The calls that are limited. Fixture calls are not, because cases need them for their setup. */
const UNARY = /\.SeqSyncService\/(GetServerInfo|Send|Sync)$/;
const WATCH = /\.SeqSyncService\/Watch$/;

/** All kinds of retryable errors, used in turn. */
const RETRYABLE: ((res: ServerResponse) => void)[] = [
  (res) => plain(res, 429, "<h1>slow down</h1>"),
  (res) => connect(res, 503, "unavailable"),
  (res) => plain(res, 503, "upstream is restarting"),
  (res) => connect(res, 429, "resource_exhausted"),
  (res) => plain(res, 502, ""),
  (res) => connect(res, 504, "deadline_exceeded"),
  (res) => plain(res, 504, ""),
];

function plain(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { "Content-Type": "text/html", "Retry-After": "0" }).end(body);
}

function connect(res: ServerResponse, status: number, code: string): void {
  res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "0" });
  res.end(JSON.stringify({ code, message: "overloaded, retry later" }));
}

/** All kinds of retryable errors of a Watch: instead of a stream, and in its end-of-stream message. */
const RETRYABLE_WATCH: ((res: ServerResponse, type: string) => void)[] = [
  (res) => plain(res, 503, "upstream is restarting"),
  (res, type) => inStream(res, type, "unavailable"),
  (res) => plain(res, 429, "<h1>slow down</h1>"),
  (res, type) => inStream(res, type, "resource_exhausted"),
];

function inStream(res: ServerResponse, type: string, code: string): void {
  const end = Buffer.from(JSON.stringify({ error: { code, message: "overloaded, retry later" } }));
  const head = Buffer.from([2, 0, 0, 0, 0]);
  head.writeUInt32BE(end.length, 1);
  res.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(Buffer.concat([head, end]));
}

/**
 * Responds to every n-th unary call and every n-th Watch with a retryable error without executing it, as a rate limiter
 * does.
 */
export function rateLimited(inner: RequestListener, n: number): RequestListener {
  let calls = 0;
  let watches = 0;
  return (req, res) => {
    const type = req.headers["content-type"] ?? "";
    if (req.method !== "POST") return inner(req, res);
    if (UNARY.test(req.url ?? "")) {
      calls += 1;
      if (calls % n !== 0) return inner(req, res);
      const turn = calls / n;
      req.resume().once("end", () => RETRYABLE[turn % RETRYABLE.length]?.(res));
    } else if (WATCH.test(req.url ?? "") && /^application\/connect\+(proto|json)$/.test(type)) {
      watches += 1;
      if (watches % n !== 0) return inner(req, res);
      const turn = watches / n;
      req.resume().once("end", () => RETRYABLE_WATCH[turn % RETRYABLE_WATCH.length]?.(res, type));
    } else inner(req, res);
  };
}

/** Executes every call, but replaces every n-th response by a retryable error, so that the outcome is indeterminate. */
export function forgetful(inner: RequestListener, n: number): RequestListener {
  let calls = 0;
  return rewriteResponses(inner, {
    send(res, body, req) {
      const counts = res.statusCode === 200 && UNARY.test(req.url ?? "");
      if (counts) calls += 1;
      if (!counts || calls % n !== 0) {
        res.end(body);
        return;
      }
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      RETRYABLE[(calls / n) % RETRYABLE.length]?.(res);
    },
  });
}
