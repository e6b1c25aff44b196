import type { RequestListener, ServerResponse } from "node:http";
import { twisted } from "./twist.js";

/** The calls that are told to: not the fixtures, which set the stage. */
const UNARY = /\.SeqSyncService\/(GetServerInfo|Send|Sync)$/;

/** All ways to say "try again" to a unary call, taken by turns. */
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

/** Turns every n-th unary call away before it is carried out, as a rate limiter in front would. */
export function rateLimited(inner: RequestListener, n: number): RequestListener {
  let calls = 0;
  return (req, res) => {
    if (!UNARY.test(req.url ?? "") || req.method !== "POST") return inner(req, res);
    calls += 1;
    if (calls % n !== 0) inner(req, res);
    else req.resume().once("end", () => AGAIN[(calls / n) % AGAIN.length]?.(res));
  };
}

/** Carries every call out, and forgets every n-th answer: the server says that it does not know. */
export function forgetful(inner: RequestListener, n: number): RequestListener {
  let calls = 0;
  return twisted(inner, {
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
