/** `seqsync check` against a deployment behind TLS, client certificates, a gateway, a path and a proxy. */
import type { RequestListener } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHandler, Service } from "../../reference-server/index.js";
import { CA, certificateFile } from "../selftest/support/certificates.js";
import { seqsync } from "../selftest/support/command.js";
import type { Running } from "../selftest/support/serve.js";
import { serveProxy, serveTls, versionOf } from "../selftest/support/tls.js";

const ONLY = ["--only", "ack/worked-example", "--codec", "proto"];
const GATEWAY_KEY = "gateway-k3y";
const seen: { version: string; key: unknown; url: string | undefined }[] = [];
let deployed: Running;

beforeAll(async () => {
  const handler = createHandler(new Service(), { fixtures: true });
  // A gateway: it requires a key and serves below a path.
  const gateway: RequestListener = (req, res) => {
    seen.push({ version: versionOf(req), key: req.headers["x-gateway"], url: req.url });
    if (req.headers["x-gateway"] !== GATEWAY_KEY || !req.url?.startsWith("/im/v2/"))
      return void res.writeHead(403).end();
    req.url = req.url.slice("/im/v2".length);
    handler(req, res);
  };
  deployed = await serveTls(gateway, { requestCert: true, rejectUnauthorized: true, ca: CA });
});
afterAll(() => deployed.stop());

const key = ["--header-env", "X-Gateway=KEY"];
const client = ["--cert", certificateFile("client.pem"), "--key", certificateFile("client.key")];
const ca = ["--ca", certificateFile("ca.pem")];
const env = { KEY: GATEWAY_KEY };

describe("a deployment behind TLS with client certificates, a gateway key and a path", () => {
  test("is checked over HTTP/2", async () => {
    seen.length = 0;
    const { code, all } = await seqsync(["check", `${deployed.url}/im/v2/`, ...ONLY, ...key, ...client, ...ca], {
      env,
    });
    expect(all).toMatch(/1 passed, 0 failed/);
    expect(new Set(seen.map(({ version }) => version))).toEqual(new Set(["2.0"]));
    expect(all).not.toContain(GATEWAY_KEY);
    expect(code).toBe(0);
  });

  test("is checked through a proxy, over HTTP/1.1 with --no-http2, with a rate limit", async () => {
    seen.length = 0;
    const proxy = await serveProxy(deployed.url);
    const flags = [...ONLY, ...key, ...client, ...ca, "--no-http2", "--max-requests-per-second", "100"];
    const proxied = { env: { ...env, HTTPS_PROXY: proxy.url, NO_PROXY: "other.test" } };
    const { code, all } = await seqsync(["check", "https://server.test/im/v2", ...flags], proxied);
    await proxy.stop();
    expect(all).toMatch(/1 passed, 0 failed/);
    expect(new Set(seen.map(({ version }) => version))).toEqual(new Set(["1.1"]));
    expect(new Set(proxy.destinations)).toEqual(new Set(["server.test:443"]));
    expect(code).toBe(0);
  });

  test("with an unknown certificate authority gives one line that names --ca", async () => {
    const { code, stdout, stderr } = await seqsync(["check", deployed.url, ...client], { env });
    expect(stdout).toMatch(/cannot be reached: the server's TLS certificate .*; pass the certificate of its/);
    expect(stdout).toMatch(/--ca/);
    expect(stderr).toBe("");
    expect(code).toBe(3);
  });

  test("is checked with --insecure, with a warning", async () => {
    const flags = [...ONLY, ...key, ...client, "--insecure"];
    const { code, stderr } = await seqsync(["check", `${deployed.url}/im/v2`, ...flags], { env });
    expect(stderr).toMatch(/^WARNING: --insecure/);
    expect(code).toBe(0);
  });
});
