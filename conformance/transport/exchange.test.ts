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

/** Resolves when the client has given its connection up. */
const gone = (listener: Parameters<RequestListener>[1]) =>
  new Promise<void>((resolve) => listener.on("close", resolve));

test("the answer is whole: its parts, its headers, and not what came before it", async () => {
  const ask = await to((req, res) => {
    res.writeEarlyHints({ link: "</a>; rel=preload", "x-early": "1" });
    req.on("data", (body: Buffer) => {
      res.writeHead(201, { "x-late": ["1", "2"] });
      res.write(body);
      setImmediate(() => res.end(" world"));
    });
  });
  const { status, headers, body } = await ask();
  expect([status, headers["x-late"], headers["x-early"]]).toEqual([201, ["1", "2"], undefined]);
  expect(body.toString()).toBe("hello world");
});

describe("it is given up, and its connection with it", () => {
  test.each([
    ["before an answer", (_: Parameters<RequestListener>[1]) => {}],
    ["within an answer", (res: Parameters<RequestListener>[1]) => void res.write("begun")],
  ])("when the time is up %s", async (_, begin) => {
    let closed: Promise<void> | undefined;
    const ask = await to((_req, res) => {
      closed = gone(res);
      begin(res);
    });
    await expect(ask({ timeoutMs: 100 })).rejects.toMatchObject({
      name: "LostAnswer",
      message: "no answer within 100 ms",
    });
    await closed;
  });

  test("when the answer is too long", async () => {
    let closed: Promise<void> | undefined;
    const ask = await to((_req, res) => {
      closed = gone(res);
      res.write(Buffer.alloc(1001));
    });
    await expect(ask()).rejects.toMatchObject({
      name: "LostAnswer",
      message: "the answer did not end within 1000 bytes",
    });
    await closed;
    const enough = await to((_req, res) => void res.end(Buffer.alloc(1000)));
    expect((await enough()).body).toHaveLength(1000);
  });

  test("when the signal says so, with its reason", async () => {
    const stop = new AbortController();
    let closed: Promise<void> | undefined;
    const ask = await to((_req, res) => {
      closed = gone(res);
      stop.abort(new Error("enough"));
    });
    await expect(ask({ signal: stop.signal })).rejects.toThrow("enough");
    await closed;
  });
});

test("what was given up before it began is not sent", async () => {
  const paths: string[] = [];
  let answerFirst = () => {};
  const ask = await to((req, res) => {
    paths.push(req.url ?? "");
    if (req.url === "/first") answerFirst = () => res.end();
    else res.end();
  });
  await expect(ask({ signal: AbortSignal.abort(new Error("never")) }, "/aborted")).rejects.toThrow("never");
  const first = ask({}, "/first");
  // It waits for the connection until its time is up.
  await expect(ask({ timeoutMs: 100 }, "/late")).rejects.toThrow("no answer within 100 ms");
  answerFirst();
  await first;
  await ask({}, "/last");
  expect(paths).toEqual(["/first", "/last"]);
});

test("nothing is left on the signal when it is over", async () => {
  const { signal } = new AbortController();
  const ask = await to((_req, res) => void res.end());
  await ask({ signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
