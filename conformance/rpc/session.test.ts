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

type Answer = Parameters<RequestListener>[1];
const retryable = (status: number) => (res: Answer) => void res.writeHead(status).end();
const cut = (res: Answer) => void res.destroy();
const page = (res: Answer) =>
  void res
    .writeHead(200, { "content-type": "application/proto" })
    .end(encode("proto", SyncResponseSchema, { svrSeq: 9 }));
const refused = (res: Answer) =>
  void res.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthenticated"}');

/** A server that answers by a script, and what it was asked. */
async function scripted(...script: ((res: Answer) => void)[]) {
  const asked: { url: string | undefined; authorization: string | undefined }[] = [];
  const server: Running = await serve((req, res) => {
    asked.push({ url: req.url, authorization: req.headers.authorization });
    req.resume().once("end", () => (script.shift() ?? page)(res));
  });
  const transport = new Transport({ urls: [`${server.url}/prefix/`] });
  cleanUps.push(() => transport.close(), server.stop);
  return { asked, session: new Session(transport, "proto", 0, { noResponse: [1, 1, 1], retryable: [1, 1, 1] }) };
}

describe("Session.call", () => {
  test("asks again after every answer that wants it, and after none at all", async () => {
    const { session, asked } = await scripted(retryable(503), cut, retryable(429));
    const missed: string[] = [];
    const attempts: number[] = [];
    const hooks = {
      onAttempt: (endpoint: number) => void attempts.push(endpoint),
      onNoResponse: (why: string) => void missed.push(why),
    };
    expect(await session.call(sync, {}, { token: "t" }, hooks)).toMatchObject({
      kind: "response",
      value: { svrSeq: 9 },
    });
    expect(missed).toEqual(["HTTP 503", "the server closed the connection", "HTTP 429"]);
    expect([attempts.length, asked.length, session.retried]).toEqual([4, 4, 3]);
    expect(new Set(asked.map(({ url }) => url))).toEqual(new Set(["/prefix/seqsync.v1.SeqSyncService/Sync"]));
    expect(asked[0]?.authorization).toBe("Bearer t");
  });

  test("gives up when all pauses are used, and says why", async () => {
    const { session, asked } = await scripted(...Array.from({ length: 9 }, () => retryable(502)));
    expect(await session.call(sync, {})).toEqual({ kind: "no-response", why: "HTTP 502", retryLater: true });
    expect(asked).toHaveLength(4);
  });

  test("does not ask again after a refusal", async () => {
    const { session, asked } = await scripted(refused);
    expect(await session.call(sync, {})).toMatchObject({ kind: "refusal", refusal: { code: "unauthenticated" } });
    expect(asked).toHaveLength(1);
    expect(session.retried).toBe(0);
  });

  test("takes another URL each time", async () => {
    const one = await scripted();
    const two = await scripted();
    const urls = [...one.session.transport.urls, ...two.session.transport.urls];
    const transport = new Transport({ urls });
    cleanUps.push(() => transport.close());
    const session = new Session(transport, "proto");
    for (let calls = 0; calls < 4; calls += 1) await session.call(sync, {});
    expect([one.asked.length, two.asked.length]).toEqual([2, 2]);
  });
});
