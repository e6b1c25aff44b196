import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { serveTls, versionOf } from "../selftest/support/tls.js";
import { Transport } from "../transport/http.js";
import { FAULT_HEADER, FaultyNetwork } from "./faulty-network.js";
import { NETWORK_FAULTS, type NetworkFault } from "./program.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Seen {
  rawHeaders: string[];
  headers: IncomingHttpHeaders;
  body: string;
}

/** Starts a server that notes its requests, and a network in front of it. */
async function start() {
  const seen: Seen[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    seen.push({ rawHeaders: req.rawHeaders, headers: req.headers, body: Buffer.concat(chunks).toString() });
    res.end("a response");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const network = await FaultyNetwork.start([url], { headers: { "x-gateway": "1" } });
  const transport = new Transport({ urls: network.urls });
  cleanUps.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => network.stop(),
    () => transport.close(),
  );
  return { seen, network, transport };
}

test.each(NETWORK_FAULTS.filter((it) => it !== "drop-request" && it !== "abort-request"))(
  "a request with %s keeps the names, the case and the order of its headers, and its chunked body",
  async (fault) => {
    const { seen, network, transport } = await start();
    const headers = [
      ["X-Later", "1"],
      // The network has a header of this name for every request.
      ["X-Gateway", "2"],
      ["AuthoriZation", "bearer t"],
      [FAULT_HEADER, fault],
      ["Content-Type", "Application/JSON"],
    ] as const;
    const body = [Buffer.from("ab"), Buffer.from("cde")];
    await transport.request({ endpoint: 0, path: "/p", headers, body }).catch(() => {});
    await network.settle();
    const times = fault === "duplicate-request" ? 2 : 1;
    expect(seen.map((it) => it.body)).toEqual(Array.from({ length: times }, () => "abcde"));
    for (const { rawHeaders, headers: parsed } of seen) {
      const own = rawHeaders.filter(
        (_, index) => index % 2 === 0 && !/^(host|connection)$/i.test(rawHeaders[index] ?? ""),
      );
      expect(own).toEqual(["x-gateway", "X-Later", "AuthoriZation", "Content-Type", "transfer-encoding"]);
      expect(parsed).toMatchObject({ authorization: "bearer t", "content-type": "Application/JSON", "x-gateway": "1" });
    }
  },
);

test("over TLS, requests use HTTP/2, except for those whose form it does not have", async () => {
  const versions = new Map<string, string>();
  const server = await serveTls((req, res) => {
    versions.set(String(req.url), versionOf(req));
    req.resume().on("end", () => res.end("a response"));
  });
  const network = await FaultyNetwork.start([server.url], { tls: { insecure: true } });
  const transport = new Transport({ urls: network.urls });
  cleanUps.push(
    server.stop,
    () => network.stop(),
    () => transport.close(),
  );
  const send = (path: string, fault: NetworkFault, headers: Record<string, string>, body: Buffer | Buffer[]) =>
    transport.request({ endpoint: 0, path, headers: { ...headers, [FAULT_HEADER]: fault }, body }).catch(() => {});
  const chunked = [Buffer.from("ab"), Buffer.from("cde")];
  // An abort comes before the first connection is there.
  await send("/aborted", "abort-request", {}, chunked);
  await send("/plain", "slow-request", { a: "1" }, Buffer.from("abc"));
  await send("/chunked", "slow-request", { a: "1" }, chunked);
  await send("/header-case", "slow-request", { "X-A": "1" }, Buffer.from("abc"));
  await network.settle();
  versions.delete("/aborted");
  expect(Object.fromEntries(versions)).toEqual({ "/plain": "2.0", "/chunked": "1.1", "/header-case": "1.1" });
});

test("a body with a length is passed on with its length", async () => {
  const { seen, transport } = await start();
  const headers = { "content-type": "application/proto", [FAULT_HEADER]: "slow-request" };
  await transport.request({ endpoint: 0, path: "/p", headers, body: Buffer.from("abc") });
  expect(seen[0]?.headers).toMatchObject({ "content-length": "3" });
});
