import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type Envelope, envelope, envelopes } from "../../conformance/rpc/envelope.js";
import { createHandler, listen, Service } from "../index.js";
import { dial, head, PATH, serve } from "../testing/http.js";

const started: { close(graceMs?: number): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close(0);
});

/** Watches as bob, in JSON. `next` returns the next frame or the end-of-stream message. */
async function watch(url: string, { as = "bob", body = envelope(Buffer.from("{}")) as Uint8Array, headers = {} } = {}) {
  const response = await fetch(`${url}${PATH}/Watch`, {
    method: "POST",
    headers: { "Content-Type": "application/connect+json", Authorization: `Bearer ${as}`, ...headers },
    body,
  });
  const parts = envelopes(response.body as AsyncIterable<Uint8Array>);
  const next = async () => {
    const { value, done } = (await parts.next()) as { value?: Envelope; done?: boolean };
    if (done || value === undefined) return undefined;
    return { flags: value.flags, json: JSON.parse(Buffer.from(value.body).toString()) as Record<string, unknown> };
  };
  return { response, next, stop: () => parts.return(undefined) };
}

async function start(options: Parameters<typeof serve>[0] = {}) {
  const server = await serve(options);
  started.push(server);
  const send = (id: string) =>
    fetch(`${server.url}${PATH}/Send`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Bearer alice" },
      body: JSON.stringify({ recipientId: "bob", clientMessageId: id }),
    });
  return { ...server, send };
}

describe("Watch over HTTP", () => {
  test("sends each frame at once, and removes a watcher whose connection is closed", async () => {
    const server = await start();
    const { watchers } = server.service.accounts.authenticate("Bearer bob").account;
    const { response, next, stop } = await watch(server.url);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/connect+json"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const { epoch } = server.inbox();
    // JSON omits default values: there is no svrSeq 0.
    expect(await next()).toEqual({ flags: 0, json: { epoch } });
    for (const nr of [1, 2, 3]) {
      await server.send(`m-${nr}`);
      expect(await next()).toEqual({ flags: 0, json: { epoch, svrSeq: nr } });
    }
    expect(watchers.size).toBe(1);
    await stop();
    await expect.poll(() => watchers.size).toBe(0);
  });

  test("ends a stream whose credential is revoked, and no other stream", async () => {
    const server = await start();
    const [bob, carol] = [await watch(server.url), await watch(server.url, { as: "carol" })];
    await Promise.all([bob.next(), carol.next()]);
    server.service.accounts.revoke("bob");
    expect(await bob.next()).toMatchObject({ flags: 2, json: { error: { code: "unauthenticated" } } });
    expect(await bob.next()).toBeUndefined();
    expect(server.service.accounts.authenticate("Bearer carol").account.watchers.size).toBe(1);
    await carol.stop();
  });

  test("refuses a Watch above the maximum with an end-of-stream message, and serves the others", async () => {
    const server = await start({ maxWatchesPerAccount: 1 });
    const first = await watch(server.url);
    await first.next();
    const second = await watch(server.url);
    expect(second.response.status).toBe(200);
    expect(await second.next()).toMatchObject({ flags: 2, json: { error: { code: "resource_exhausted" } } });
    expect(await second.next()).toBeUndefined();
    await server.send("m-1");
    expect(await first.next()).toMatchObject({ flags: 0, json: { svrSeq: 1 } });
    await first.stop();
  });

  test.each([
    ["an unknown credential", { as: "nobody" }, "unauthenticated"],
    ["no envelope", { body: new Uint8Array(0) }, "invalid_argument"],
    ["a compressed envelope", { body: envelope(Buffer.from("{}"), 1) }, "invalid_argument"],
    ["half an envelope", { body: envelope(Buffer.from("{}")).subarray(0, 6) }, "invalid_argument"],
    ["two envelopes", { body: Buffer.concat(["{}", "{}"].map((it) => envelope(Buffer.from(it)))) }, "invalid_argument"],
    ["an envelope without JSON", { body: envelope(Buffer.from("x")) }, "invalid_argument"],
    ["an unknown compression", { headers: { "Connect-Content-Encoding": "br" } }, "unimplemented"],
  ])("%s is refused in the end-of-stream message, with status 200", async (_, options, code) => {
    const server = await start();
    const { response, next } = await watch(server.url, options);
    expect(response.status).toBe(200);
    expect(await next()).toMatchObject({ flags: 2, json: { error: { code } } });
    expect(await next()).toBeUndefined();
  });
});

test("a watcher that does not read delays no Send and no other watcher, and takes no memory", async () => {
  const service = new Service({ newId: () => "e".repeat(64) });
  for (const userId of ["alice", "bob"]) service.createAccount(userId, userId);
  const { account } = service.accounts.authenticate("Bearer bob");
  const handler = createHandler(service);
  const responses: ServerResponse[] = [];
  const server = await listen((req, res) => {
    responses.push(res);
    return handler(req, res);
  });
  started.push(server);

  const stalled = await dial(server.url);
  const request = `${head("Watch", { "Content-Type": "application/connect+json", "Content-Length": 7 })}\0\0\0\0\x02{}`;
  stalled.write(request);
  await stalled.until(/epoch/);
  stalled.socket.pause();

  // Makes changes until the buffers of both kernels are full, and then many more.
  const [response] = responses as [ServerResponse];
  let changes = 0;
  let turnsFull = 0;
  let seq = 0;
  const { inbox } = account;
  while (turnsFull < 200 && changes < 2_000_000) {
    for (let nr = 0; nr < 200; nr += 1, changes += 1) {
      inbox.append({ senderId: "alice", clientMessageId: "m", payload: new Uint8Array(0) } as never);
      seq = inbox.svrSeq;
      inbox.sync(seq, "", 0);
      for (const watcher of account.watchers) watcher.changed();
    }
    await setImmediate();
    turnsFull = response.writableNeedDrain ? turnsFull + 1 : 0;
  }
  expect(turnsFull).toBe(200);
  expect(response.writableLength).toBeLessThan(64 << 10);

  const other = await watch(server.url);
  expect(await other.next()).toMatchObject({ json: { svrSeq: seq } });
  const sent = await fetch(`${server.url}${PATH}/Send`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: "Bearer alice" },
    body: '{"recipientId":"bob","clientMessageId":"fence"}',
  });
  expect(sent.status).toBe(200);
  expect(await other.next()).toMatchObject({ json: { svrSeq: seq + 1 } });
  await other.stop();

  // When it reads again, all missed changes are one frame with the newest state.
  stalled.socket.resume();
  const text = await stalled.until(new RegExp(`"svrSeq":${seq + 1}\\}`));
  expect(text.match(/svrSeq/g)?.length).toBeLessThan(changes);
  stalled.cut();
});
