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

/** Responds with the request, and with the version of HTTP. */
const mirror: RequestListener = (req, res) => {
  const { method, url, headers } = req;
  res.end(JSON.stringify({ method, url, version: versionOf(req), headers }));
};
const mirrored = async (made: Transport) =>
  JSON.parse(Buffer.from((await made.request({ path: "/a" })).body).toString("utf8"));

test("after a broken connection, requests use new connections: the server may have closed all idle ones", async () => {
  const used = new WeakSet<object>();
  let open = 0;
  let release = () => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await running(
    serve(async (req, res) => {
      if (used.has(req.socket)) return void req.socket.destroy();
      used.add(req.socket);
      open += 1;
      if (open === 3) release();
      if (open <= 3) await all; // So that there are three connections.
      res.end();
    }),
  );
  const made = transport(server.url);
  const call = () =>
    made.request({ path: "/a" }).then(
      ({ status }) => status,
      ({ name }: Error) => name,
    );
  expect(await Promise.all([call(), call(), call()])).toEqual([200, 200, 200]);
  await expect.poll(call).toBe("NoResponseError");
  expect([await call(), await call()]).toEqual([200, 200]);
});

describe("a TLS target", () => {
  test("is trusted through the given authority, and called over HTTP/2 if the server offers HTTP/2", async () => {
    const { url } = await running(serveTls(mirror));
    expect(await mirrored(transport(`${url}/below`, { tls: { ca: CA } }))).toMatchObject({
      version: "2.0",
      url: "/below/a",
    });
    expect((await mirrored(transport(url, { tls: { ca: CA }, http2: false }))).version).toBe("1.1");
  });

  test("receives other methods and repeated headers over HTTP/1.1", async () => {
    const { url } = await running(serveTls(mirror));
    const made = transport(url, { tls: { ca: CA } });
    const deleted = await made.request({ path: "/a", method: "DELETE", body: Buffer.from("{}") });
    expect(JSON.parse(Buffer.from(deleted.body).toString())).toMatchObject({ method: "DELETE", version: "1.1" });
    expect((await mirrored(made)).version).toBe("2.0");
  });

  test("is called over HTTP/1.1 if the server does not offer HTTP/2", async () => {
    const { url } = await running(serveTls(mirror, { http2: false }));
    expect((await mirrored(transport(url, { tls: { ca: CA } }))).version).toBe("1.1");
  });

  test("with an unknown authority is rejected, unless certificates are not verified", async () => {
    const { url } = await running(serveTls(mirror));
    await expect(mirrored(transport(url))).rejects.toMatchObject({
      name: "NoResponseError",
      message: expect.stringMatching(/TLS certificate/),
      hint: expect.stringMatching(/--ca/),
    });
    expect(await mirrored(transport(url, { tls: { insecure: true } }))).toMatchObject({ url: "/a" });
  });

  test("receives the client's certificate", async () => {
    const { url } = await running(serveTls(mirror, { requestCert: true, ca: CA }));
    expect(await mirrored(transport(url, { tls: { ca: CA, ...CLIENT } }))).toMatchObject({ url: "/a" });
    await expect(mirrored(transport(url, { tls: { ca: CA } }))).rejects.toMatchObject({ name: "NoResponseError" });
  });

  test("accepts raw bytes over HTTP/1.1", async () => {
    const { url } = await running(serveTls(mirror));
    const made = transport(url, { tls: { ca: CA } });
    const response = await made.raw(0, "GET /raw HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    expect(response).toMatch(/^HTTP\/1\.1 200.*"url":"\/raw"/s);
  });

  test("without TLS is reported with a hint", async () => {
    const { url } = await running(serve(mirror));
    const wrong = transport(url.replace("http:", "https:"));
    await expect(mirrored(wrong)).rejects.toMatchObject({ hint: expect.stringMatching(/http/) });
  });
});

describe("a proxy", () => {
  test("carries requests and raw bytes, also to http: targets", async () => {
    const { url } = await running(serve(mirror));
    const proxy = await running(serveProxy(url));
    const made = transport("http://server.test", { proxy: { http: proxy.url } });
    expect(await mirrored(made)).toMatchObject({ url: "/a", headers: { host: "server.test" } });
    expect(await made.raw(0, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
    expect(proxy.destinations).toEqual(["server.test:80", "server.test:80"]);
  });

  test("tunnels TLS, and the host name of the target is still verified", async () => {
    const { url } = await running(serveTls(mirror));
    const proxy = await running(serveProxy(url));
    const proxied = { proxy: { https: proxy.url }, tls: { ca: CA } };
    expect(await mirrored(transport("https://server.test", proxied))).toMatchObject({ version: "2.0" });
    await expect(mirrored(transport("https://other.test", proxied))).rejects.toThrow(/for another host name/);
    expect(proxy.destinations).toEqual(["server.test:443", "other.test:443"]);
  });

  test("receives the login of its URL, and a refused login is reported without the password", async () => {
    const { url } = await running(serve(mirror));
    const login = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`;
    const proxy = await running(serveProxy(url, (header) => (header === login ? 200 : 407)));
    const at = (user: string) => ({ proxy: { http: proxy.url.replace("//", `//${user}@`) } });
    expect(await mirrored(transport("http://server.test", at("ann:p%40ss")))).toMatchObject({ url: "/a" });
    const refused = mirrored(transport("http://server.test", at("ann:wrong")));
    await expect(refused).rejects.toThrow(/no connection through the proxy 127\.0\.0\.1:\d+: it requires a login/);
    await expect(refused).rejects.not.toThrow(/wrong/);
  });

  test("that does not listen is reported as the cause", async () => {
    const made = transport("http://server.test", { proxy: { http: await nowhere() } });
    await expect(mirrored(made)).rejects.toThrow(/no connection through the proxy /);
  });
});

test("headers of the connection are sent with every request", async () => {
  const { url } = await running(serve(mirror));
  const made = transport(url, { headers: { "x-one": "1" } });
  expect((await mirrored(made)).headers).toMatchObject({ "x-one": "1" });
});

test("a server that never completes the TLS handshake runs into the connection's time limit", async () => {
  // Reading makes the socket notice that the client has closed; otherwise the server could not be closed.
  const silent = createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  cleanUps.unshift(() => new Promise((resolve) => silent.close(() => resolve())));
  const { port } = silent.address() as { port: number };
  const made = transport(`https://127.0.0.1:${port}`, { connectTimeoutMs: 50 });
  await expect(mirrored(made)).rejects.toThrow("no connection within 50 ms");
});

test("an address where nothing listens fails at once", async () => {
  await expect(mirrored(transport(await nowhere()))).rejects.toMatchObject({
    message: "connection refused",
    hint: expect.stringMatching(/running/),
  });
});

describe("a stream", () => {
  test("is opened again if its connection breaks before the response", async () => {
    let calls = 0;
    const { url } = await running(
      serve((req, res) => {
        calls += 1;
        if (calls <= 2) req.socket.destroy();
        else res.end("done");
      }),
    );
    const stream = await transport(url).stream({ path: "/", body: Buffer.from("x") });
    expect([stream.status, calls]).toEqual([200, 3]);
    stream.cancel();
  });

  test("fails if the connection breaks each time, or if there is no response", async () => {
    let calls = 0;
    const closing = await running(
      serve((req) => {
        calls += 1;
        req.socket.destroy();
      }),
    );
    await expect(transport(closing.url).stream({ path: "/" })).rejects.toMatchObject({ name: "NoResponseError" });
    expect(calls).toBe(4);
    const silent = await running(
      serve(() => {
        calls += 1;
      }),
    );
    const opening = transport(silent.url, { timeoutMs: 50 }).stream({ path: "/" });
    await expect(opening).rejects.toThrow("no response within 50 ms");
    expect(calls).toBe(5);
  });
});

test("open streams leave connections for other requests, however many they are", async () => {
  const server = await running(
    serve((req, res) => {
      if (req.url !== "/stream") return void res.end();
      res.write("open");
    }),
  );
  const made = transport(server.url, { connections: 4, timeoutMs: 3000 });
  const streams = await Promise.all(Array.from({ length: 30 }, () => made.stream({ path: "/stream" })));
  expect((await made.request({ path: "/a" })).status).toBe(200);
  // Streams that have ended make room for others among the shared connections.
  for (const { cancel } of streams) cancel();
  const again = await Promise.all(Array.from({ length: 30 }, () => made.stream({ path: "/stream" })));
  expect((await made.request({ path: "/a" })).status).toBe(200);
  for (const { cancel } of again) cancel();
});
