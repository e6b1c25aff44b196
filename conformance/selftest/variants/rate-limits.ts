import type { RequestListener, ServerResponse } from "node:http";
import { rewriteResponses } from "./rewrite-responses.js";

/** The calls that are told to: not the fixtures, which set the stage. */
const UNARY = /\.SeqSyncService\/(GetServerInfo|Send|Sync)$/;
const WATCH = /\.SeqSyncService\/Watch$/;

/** All ways to say "try again", taken by turns. */
const AGAIN: ((res: ServerResponse) => void)[] = [
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
  res.end(JSON.stringify({ code, message: "busy, ask again" }));
}

/** The ways to say it to a Watch: before there is a stream, and in its end-of-stream message. */
const AGAIN_WATCH: ((res: ServerResponse, type: string) => void)[] = [
  (res) => plain(res, 503, "upstream is restarting"),
  (res, type) => inStream(res, type, "unavailable"),
  (res) => plain(res, 429, "<h1>slow down</h1>"),
  (res, type) => inStream(res, type, "resource_exhausted"),
];

function inStream(res: ServerResponse, type: string, code: string): void {
  const end = Buffer.from(JSON.stringify({ error: { code, message: "busy, ask again" } }));
  const head = Buffer.from([2, 0, 0, 0, 0]);
  head.writeUInt32BE(end.length, 1);
  res.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(Buffer.concat([head, end]));
}

/** Turns every n-th unary call, and every n-th Watch, away before it is carried out, as a rate limiter in front would. */
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
      req.resume().once("end", () => AGAIN[turn % AGAIN.length]?.(res));
    } else if (WATCH.test(req.url ?? "") && /^application\/connect\+(proto|json)$/.test(type)) {
      watches += 1;
      if (watches % n !== 0) return inner(req, res);
      const turn = watches / n;
      req.resume().once("end", () => AGAIN_WATCH[turn % AGAIN_WATCH.length]?.(res, type));
    } else inner(req, res);
  };
}

/** Carries every call out, and forgets every n-th answer: the server says that it does not know. */
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
      AGAIN[(calls / n) % AGAIN.length]?.(res);
    },
  });
}
