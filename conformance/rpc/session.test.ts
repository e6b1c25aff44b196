import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { SeqSyncService, SyncResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Running, serve } from "../selftest/support/serve.js";
import { Transport } from "../transport/http.js";
import { encode } from "./connect.js";
import { Session } from "./session.js";

const { sync } = SeqSyncService.method;
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

type Response = Parameters<RequestListener>[1];
const retryable = (status: number) => (res: Response) => void res.writeHead(status).end();
const close = (res: Response) => void res.destroy();
const page = (res: Response) =>
  void res
    .writeHead(200, { "content-type": "application/proto" })
    .end(encode("proto", SyncResponseSchema, { svrSeq: 9 }));
const refused = (res: Response) =>
  void res.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthenticated"}');

/** Starts a server that follows a script, and records the requests. */
async function scripted(...script: ((res: Response) => void)[]) {
  const requests: { url: string | undefined; authorization: string | undefined }[] = [];
  const server: Running = await serve((req, res) => {
    requests.push({ url: req.url, authorization: req.headers.authorization });
    req.resume().once("end", () => (script.shift() ?? page)(res));
  });
  const transport = new Transport({ urls: [`${server.url}/prefix/`] });
  cleanUps.push(() => transport.close(), server.stop);
  return { requests, session: new Session(transport, "proto", 0, { noResponse: [1, 1, 1], retryable: [1, 1, 1] }) };
}

describe("Session.call", () => {
  test("retries after retryable errors and without a response", async () => {
    const { session, requests } = await scripted(retryable(503), close, retryable(429));
    let attempts = 0;
    const onAttempt = () => {
      attempts += 1;
    };
    expect(await session.call(sync, {}, { token: "t" }, onAttempt)).toMatchObject({
      kind: "response",
      value: { svrSeq: 9 },
    });
    expect([attempts, requests.length, session.retried]).toEqual([4, 4, 3]);
    expect(new Set(requests.map(({ url }) => url))).toEqual(new Set(["/prefix/seqsync.v1.SeqSyncService/Sync"]));
    expect(requests[0]?.authorization).toBe("Bearer t");
  });

  test("returns the result of the last retry", async () => {
    const { session, requests } = await scripted(...Array.from({ length: 9 }, () => retryable(502)));
    expect(await session.call(sync, {})).toEqual({ kind: "retryable", why: "HTTP 502" });
    expect(requests).toHaveLength(4);
  });

  test("waits as long as Retry-After asks, unless that is long", async () => {
    const later = (seconds: string) => (res: Response) => void res.writeHead(503, { "retry-after": seconds }).end();
    const { session, requests } = await scripted(later("1"), later("3600"));
    const started = performance.now();
    expect(await session.call(sync, {})).toMatchObject({ kind: "response" });
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    expect(requests).toHaveLength(3);
  });

  test("repeats a call whose response may be cut, and returns what comes again", async () => {
    const cut = (how: "end" | "resetAndDestroy") => (res: Response) => {
      const head = "HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nConnection: close\r\n\r\n";
      res.socket?.write(Buffer.concat([Buffer.from(head), Buffer.from([0x0a, 9, 1])]), () => res.socket?.[how]());
    };
    const once = await scripted(cut("end"), cut("resetAndDestroy"));
    expect(await once.session.call(sync, {})).toMatchObject({ kind: "response", value: { svrSeq: 9 } });
    expect(once.requests).toHaveLength(3);
    const always = await scripted(...Array.from({ length: 9 }, () => cut("end")));
    expect(await always.session.call(sync, {})).toMatchObject({ kind: "malformed", requirement: "HTTP-BINARY" });
    expect(always.requests).toHaveLength(3);
  });

  test("does not retry after a refusal", async () => {
    const { session, requests } = await scripted(refused);
    expect(await session.call(sync, {})).toMatchObject({ kind: "refusal", refusal: { code: "unauthenticated" } });
    expect(requests).toHaveLength(1);
    expect(session.retried).toBe(0);
  });

  test("uses the URLs in turn", async () => {
    const one = await scripted();
    const two = await scripted();
    const urls = [...one.session.transport.urls, ...two.session.transport.urls];
    const transport = new Transport({ urls });
    cleanUps.push(() => transport.close());
    const session = new Session(transport, "proto");
    for (let calls = 0; calls < 4; calls += 1) await session.call(sync, {});
    expect([one.requests.length, two.requests.length]).toEqual([2, 2]);
  });
});

describe("Session.retryRetryable", () => {
  test("does not retry without a response", async () => {
    const { session, requests } = await scripted(retryable(503), close);
    const result = await session.retryRetryable(() => session.attempt(sync, {}));
    expect(result).toMatchObject({ kind: "no-response", why: "the server closed the connection", timedOut: false });
    expect(requests).toHaveLength(2);
  });
});
