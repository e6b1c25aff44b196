import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { CA, CLIENT } from "../selftest/support/certificates.js";
import { type Running, serve } from "../selftest/support/serve.js";
import { nowhere, serveProxy, serveTls, versionOf } from "../selftest/support/tls.js";
import { Transport, type TransportOptions } from "./http.js";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function running<T extends Running>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  cleanUps.unshift(() => server.stop());
  return server;
}

function transport(urls: string | string[], options: Omit<TransportOptions, "urls"> = {}): Transport {
  const made = new Transport({ ...options, urls: [urls].flat() });
  cleanUps.unshift(() => made.close());
  return made;
}

/** Answers what it was asked, and in which version of HTTP. */
const mirror: RequestListener = (req, res) => {
  const { method, url, headers } = req;
  res.end(JSON.stringify({ method, url, version: versionOf(req), headers }));
};
const mirrored = async (made: Transport) =>
  JSON.parse(Buffer.from((await made.request({ path: "/a" })).body).toString("utf8"));

describe("a TLS target", () => {
  test("is trusted for its authority, and spoken to in HTTP/2 where it offers that", async () => {
    const { url } = await running(serveTls(mirror));
    expect(await mirrored(transport(`${url}/below`, { tls: { ca: CA } }))).toMatchObject({
      version: "2.0",
      url: "/below/a",
    });
    expect((await mirrored(transport(url, { tls: { ca: CA }, http2: false }))).version).toBe("1.1");
  });

  test("gets what is odd in HTTP/1.1: other methods, and headers that are there twice", async () => {
    const { url } = await running(serveTls(mirror));
    const made = transport(url, { tls: { ca: CA } });
    const odd = await made.request({ path: "/a", method: "DELETE", body: Buffer.from("{}") });
    expect(JSON.parse(Buffer.from(odd.body).toString())).toMatchObject({ method: "DELETE", version: "1.1" });
    expect((await mirrored(made)).version).toBe("2.0");
  });

  test("is spoken to in HTTP/1.1 where it offers nothing else", async () => {
    const { url } = await running(serveTls(mirror, { http2: false }));
    expect((await mirrored(transport(url, { tls: { ca: CA } }))).version).toBe("1.1");
  });

  test("whose authority is not known is not spoken to, unless one insists", async () => {
    const { url } = await running(serveTls(mirror));
    await expect(mirrored(transport(url))).rejects.toMatchObject({
      name: "LostAnswer",
      message: expect.stringMatching(/TLS certificate/),
      hint: expect.stringMatching(/--ca/),
    });
    expect(await mirrored(transport(url, { tls: { insecure: true } }))).toMatchObject({ url: "/a" });
  });

  test("gets the client's certificate", async () => {
    const { url } = await running(serveTls(mirror, { requestCert: true, ca: CA }));
    expect(await mirrored(transport(url, { tls: { ca: CA, ...CLIENT } }))).toMatchObject({ url: "/a" });
    await expect(mirrored(transport(url, { tls: { ca: CA } }))).rejects.toMatchObject({ name: "LostAnswer" });
  });

  test("takes raw bytes in HTTP/1.1", async () => {
    const { url } = await running(serveTls(mirror));
    const made = transport(url, { tls: { ca: CA } });
    const answer = await made.raw(0, "GET /raw HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200.*"url":"\/raw"/s);
  });

  test("that speaks none is told so", async () => {
    const { url } = await running(serve(mirror));
    const wrong = transport(url.replace("http:", "https:"));
    await expect(mirrored(wrong)).rejects.toMatchObject({ hint: expect.stringMatching(/http/) });
  });
});

describe("a proxy", () => {
  test("makes the connection, also to plain targets, for requests and for raw bytes", async () => {
    const { url } = await running(serve(mirror));
    const proxy = await running(serveProxy(url));
    const made = transport("http://server.test", { proxy: { http: proxy.url } });
    expect(await mirrored(made)).toMatchObject({ url: "/a", headers: { host: "server.test" } });
    expect(await made.raw(0, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
    expect(proxy.asked).toEqual(["server.test:80", "server.test:80"]);
  });

  test("does not see what is said to a TLS target, whose name is still checked", async () => {
    const { url } = await running(serveTls(mirror));
    const proxy = await running(serveProxy(url));
    const proxied = { proxy: { https: proxy.url }, tls: { ca: CA } };
    expect(await mirrored(transport("https://server.test", proxied))).toMatchObject({ version: "2.0" });
    await expect(mirrored(transport("https://other.test", proxied))).rejects.toThrow(/for another name/);
    expect(proxy.asked).toEqual(["server.test:443", "other.test:443"]);
  });

  test("gets its login, and is blamed if it refuses; neither tells the password", async () => {
    const { url } = await running(serve(mirror));
    const login = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`;
    const proxy = await running(serveProxy(url, (given) => (given === login ? 200 : 407)));
    const at = (user: string) => ({ proxy: { http: proxy.url.replace("//", `//${user}@`) } });
    expect(await mirrored(transport("http://server.test", at("ann:p%40ss")))).toMatchObject({ url: "/a" });
    const refused = mirrored(transport("http://server.test", at("ann:wrong")));
    await expect(refused).rejects.toThrow(/the proxy 127\.0\.0\.1:\d+ gives no connection: it asks for a login/);
    await expect(refused).rejects.not.toThrow(/wrong/);
  });

  test("that is not there is blamed itself", async () => {
    const made = transport("http://server.test", { proxy: { http: await nowhere() } });
    await expect(mirrored(made)).rejects.toThrow(/the proxy .* gives no connection/);
  });
});

test("headers of the connection are sent with each request", async () => {
  const { url } = await running(serve(mirror));
  const made = transport(url, { headers: { "x-one": "1" } });
  expect((await mirrored(made)).headers).toMatchObject({ "x-one": "1" });
});

test("a server that accepts and says nothing in TLS is given up when the time for the connection is over", async () => {
  // It reads, and so sees that the client is gone: without that it could not be closed.
  const silent = createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  cleanUps.unshift(() => new Promise((resolve) => silent.close(() => resolve())));
  const { port } = silent.address() as { port: number };
  const made = transport(`https://127.0.0.1:${port}`, { connectTimeoutMs: 50 });
  await expect(mirrored(made)).rejects.toThrow("no connection within 50 ms");
});

test("an address where nobody listens says so at once", async () => {
  await expect(mirrored(transport(await nowhere()))).rejects.toMatchObject({
    message: "connection refused",
    hint: expect.stringMatching(/running/),
  });
});

describe("a stream", () => {
  test("is opened again if its connection breaks before there is an answer", async () => {
    let calls = 0;
    const { url } = await running(
      serve((req, res) => {
        calls += 1;
        if (calls <= 2) req.socket.destroy();
        else res.end("at last");
      }),
    );
    const stream = await transport(url).stream({ path: "/", body: Buffer.from("x") });
    expect([stream.status, calls]).toEqual([200, 3]);
    stream.cancel();
  });

  test("is given up if that goes on, or if nothing comes at all", async () => {
    let calls = 0;
    const closing = await running(
      serve((req) => {
        calls += 1;
        req.socket.destroy();
      }),
    );
    await expect(transport(closing.url).stream({ path: "/" })).rejects.toMatchObject({ name: "LostAnswer" });
    expect(calls).toBe(4);
    const silent = await running(
      serve(() => {
        calls += 1;
      }),
    );
    const opening = transport(silent.url, { timeoutMs: 50 }).stream({ path: "/" });
    await expect(opening).rejects.toThrow("no answer within 50 ms");
    expect(calls).toBe(5);
  });
});
