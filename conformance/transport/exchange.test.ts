import { getEventListeners } from "node:events";
import type { RequestListener } from "node:http";
import { Agent } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { serve } from "../selftest/support/serve.js";
import { type ExchangeLimits, exchange } from "./exchange.js";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Makes requests to a server over one connection at a time. */
async function to(listener: RequestListener) {
  const server = await serve(listener);
  const agent = new Agent({ connections: 1, pipelining: 1 });
  cleanUps.push(
    () => agent.destroy(),
    () => server.stop(),
  );
  return (limits: Partial<ExchangeLimits> = {}, path = "/") => {
    const options = { origin: server.url, path, method: "POST", body: Buffer.from("hello") };
    return exchange(agent, options, { timeoutMs: 10_000, maxBytes: 1000, ...limits });
  };
}

/** Resolves when the client has closed its connection. */
const clientClosed = (res: Parameters<RequestListener>[1]) => new Promise<void>((resolve) => res.on("close", resolve));

test("the response is complete, without the headers of informational responses", async () => {
  const request = await to((req, res) => {
    res.writeEarlyHints({ link: "</a>; rel=preload", "x-early": "1" });
    req.on("data", (body: Buffer) => {
      res.writeHead(201, { "x-late": ["1", "2"] });
      res.write(body);
      setImmediate(() => res.end(" world"));
    });
  });
  const { status, headers, body } = await request();
  expect([status, headers["x-late"], headers["x-early"]]).toEqual([201, ["1", "2"], undefined]);
  expect(body.toString()).toBe("hello world");
});

describe("an exchange is cancelled, and its connection closed", () => {
  test.each([
    ["before the response", (_: Parameters<RequestListener>[1]) => {}],
    ["within the response", (res: Parameters<RequestListener>[1]) => void res.write("begun")],
  ])("on a timeout %s", async (_, begin) => {
    let closed: Promise<void> | undefined;
    const request = await to((_req, res) => {
      closed = clientClosed(res);
      begin(res);
    });
    await expect(request({ timeoutMs: 100 })).rejects.toMatchObject({
      name: "NoResponseError",
      message: "no response within 100 ms",
    });
    await closed;
  });

  test("when the response is too long", async () => {
    let closed: Promise<void> | undefined;
    const request = await to((_req, res) => {
      closed = clientClosed(res);
      res.write(Buffer.alloc(1001));
    });
    await expect(request()).rejects.toMatchObject({
      name: "NoResponseError",
      message: "the response is larger than 1000 bytes, the most that the suite reads",
    });
    await closed;
    const enough = await to((_req, res) => void res.end(Buffer.alloc(1000)));
    expect((await enough()).body).toHaveLength(1000);
  });

  test("when the signal is aborted, with its reason", async () => {
    const stop = new AbortController();
    let closed: Promise<void> | undefined;
    const request = await to((_req, res) => {
      closed = clientClosed(res);
      stop.abort(new Error("enough"));
    });
    await expect(request({ signal: stop.signal })).rejects.toThrow("enough");
    await closed;
  });
});

test("a request that was cancelled in the queue is not sent", async () => {
  const paths: string[] = [];
  let respondToFirst = () => {};
  const request = await to((req, res) => {
    paths.push(req.url ?? "");
    if (req.url === "/first") respondToFirst = () => res.end();
    else res.end();
  });
  await expect(request({ signal: AbortSignal.abort(new Error("never")) }, "/aborted")).rejects.toThrow("never");
  const first = request({}, "/first");
  // It waits for the connection until its timeout.
  await expect(request({ timeoutMs: 100 }, "/late")).rejects.toThrow("no response within 100 ms");
  respondToFirst();
  await first;
  await request({}, "/last");
  expect(paths).toEqual(["/first", "/last"]);
});

test("no listener is left on the signal", async () => {
  const { signal } = new AbortController();
  const request = await to((_req, res) => void res.end());
  await request({ signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
