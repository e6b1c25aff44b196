/** What is said about a server that cannot be checked. */
import type { RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { cleanUpsAfterAll, page } from "../selftest/support/clean-ups.js";
import { serve } from "../selftest/support/serve.js";
import { serveTls } from "../selftest/support/tls.js";
import { Transport } from "../transport/http.js";
import { contact } from "./contact.js";

const { onEnd, running } = cleanUpsAfterAll();

/** Expects a problem in one line, without text of the server. */
async function expectLine(url: string, line: RegExp | string, waitMs = 0): Promise<void> {
  const transport = new Transport({ urls: [url] });
  onEnd(() => transport.close());
  const result = await contact(transport, { waitMs });
  const problem = "problem" in result ? result.problem : "";
  expect(problem).toMatch(line);
  expect(problem).not.toMatch(/\n|s3cret/);
}

describe("a URL of something else gives one line that says what it is and what to do", () => {
  test.each([
    [
      "a website",
      page(200, "<!doctype html><h1>It works!</h1>"),
      /does not look like a Seq Sync server: it is a web page; use the base URL/,
    ],
    [
      "a login page",
      page(200, '<html><input name="pw" type="password">'),
      /it is a login page; pass the gateway's header with --header-env/,
    ],
    ["a path where nothing is", page(404, "no"), /HTTP 404, so no Seq Sync server is at this path; use the base URL/],
    [
      "a gateway",
      page(403, "no"),
      /HTTP 403, from a gateway or a website; pass the gateway's header with --header-env/,
    ],
    [
      "a gRPC server",
      page(200, "", { "content-type": "application/grpc" }),
      /it is a gRPC server; serve the RPCs by the HTTP binding/,
    ],
    [
      "a port that speaks TLS",
      page(400, "The plain HTTP request was sent to HTTPS port"),
      /it speaks TLS on this port; did you mean https:/,
    ],
    [
      "a redirect to a login page",
      page(302, "", { location: "https://login.example/start?secret=s3cret" }),
      /it redirects to https:\/\/login\.example\/start; use/,
    ],
    [
      "a proxy without a server",
      page(503, "no"),
      /is not ready: GetServerInfo returned HTTP 503; --wait SECONDS waits/,
    ],
    [
      "an empty response",
      ((_req, res) => void res.setHeader("content-type", "application/proto").end()) as RequestListener,
      /a message without spec_version, profiles and limits/,
    ],
  ])("%s", async (_what, listener, line) => {
    await expectLine(await running(serve(listener)), line);
  });

  test("a redirect to the same path gives the URL to use", async () => {
    const moved: RequestListener = (req, res) =>
      void res.writeHead(308, { location: `https://chat.example/im${req.url}` }).end();
    await expectLine(await running(serve(moved)), /it redirects; did you mean https:\/\/chat\.example\/im\?$/m);
  });

  test("a server that speaks HTTP/2 only, as gRPC does", async () => {
    const server = createHttp2Server((_req, res) => void res.end());
    server.on("sessionError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onEnd(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expectLine(
      url,
      /cannot be reached: the server speaks HTTP\/2 only, as a gRPC server does; serve HTTP\/1\.1 too/,
    );
  });
});

test("a connection that breaks at first is tried again", async () => {
  let requests = 0;
  const url = await running(
    serve((_req, res) => {
      requests += 1;
      if (requests <= 2) res.socket?.resetAndDestroy();
      else res.writeHead(404).end();
    }),
  );
  await expectLine(url, /HTTP 404, so no Seq Sync server is at this path/);
});

describe("TLS and plain HTTP that are confused", () => {
  test("http: to a port with TLS gives the right URL", async () => {
    const url = await running(serveTls((_req, res) => void res.end()));
    const plain = url.replace("https:", "http:");
    await expectLine(plain, `${plain} cannot be reached: the server speaks TLS on this port; did you mean ${url}?`);
    // Waiting would not help.
    await expectLine(plain, "the server speaks TLS on this port", 3_600_000);
  });

  test("https: to a port without TLS names the scheme; an untrusted certificate names --ca", async () => {
    const plain = await running(serve((_req, res) => void res.end()));
    const https = plain.replace("http:", "https:");
    await expectLine(https, /does not speak TLS on this port; should the URL begin with http:/, 3_600_000);
    const url = await running(serveTls((_req, res) => void res.end()));
    await expectLine(url, /certificate is signed by an unknown authority.*--ca FILE/, 3_600_000);
  });
});
