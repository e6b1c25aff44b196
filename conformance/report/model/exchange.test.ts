import { expect, test } from "vitest";
import { Exchanges } from "../../history/exchanges.js";
import { bytes, failedCase, reportOf } from "../../selftest/support/sample-report.js";
import { serve } from "../../selftest/support/serve.js";
import { Transport } from "../../transport/http.js";
import { renderers } from "../formats/renderers.js";
import { renderReport } from "../formats/terminal.js";
import { exchangeLines, exchangeSummary } from "./exchange.js";

/** Makes requests to a server, and records the exchanges. */
async function record(act: (transport: Transport) => Promise<unknown>): Promise<Exchanges> {
  const server = await serve((req, res) => {
    req.resume();
    if (req.url === "/gone") return void req.socket.destroy();
    const text = req.headers["content-type"] === "application/json";
    const body = text ? Buffer.from('{"svrSeq":5}') : Buffer.from([8, 1, 0, 255]);
    const type = text ? "application/json" : "application/proto";
    res.writeHead(201, { "content-type": type, "content-length": body.length }).end(body);
  });
  const transport = new Transport({ urls: [server.url], headers: { "x-gateway": "key-of-the-gateway" } });
  const exchanges = new Exchanges(() => 0n);
  try {
    await act(transport.withExchangeListener(exchanges));
  } finally {
    await transport.close();
    await server.stop();
  }
  return exchanges;
}

const call = {
  path: "/Sync",
  headers: { "content-type": "application/proto", authorization: "Bearer a-token-of-bob" },
  body: bytes("\u0008\u0003"),
};

test("an exchange shows headers as text and binary bodies as a hex dump, without credentials", async () => {
  const exchanges = await record((transport) => transport.request(call));
  const [exchange] = exchanges.toMessages();
  expect(exchange && exchangeSummary(exchange)).toBe(
    "POST /Sync (application/proto, 2 B): HTTP 201 (application/proto, 4 B)",
  );
  const lines = exchange === undefined ? [] : exchangeLines(exchange);
  expect(lines.slice(0, 7)).toEqual([
    "POST /Sync",
    "content-type: application/proto",
    "authorization: Bearer $SEQSYNC_TOKEN",
    "",
    "000  08 03                    ··",
    "",
    "HTTP 201",
  ]);
  expect(lines.at(-1)).toBe("000  08 01 00 ff              ····");
  expect(lines.join("\n")).not.toContain("key-of-the-gateway");
});

test("a body of text is shown as text, and truncated if it is long", async () => {
  const headers = { "content-type": "application/json" };
  const exchanges = await record((transport) =>
    transport.request({ ...call, headers, body: bytes(`"${"x".repeat(5000)}"`) }),
  );
  const lines = exchanges.toMessages().flatMap(exchangeLines);
  expect(lines).toContain(`"${"x".repeat(4095)}`);
  expect(lines).toContain("… 5002 bytes in total");
  expect(lines.at(-1)).toBe('{"svrSeq":5}');
});

test("an exchange without a response shows the reason", async () => {
  const exchanges = await record((transport) => transport.request({ ...call, path: "/gone" }).catch(() => {}));
  expect(exchanges.toMessages().map(exchangeSummary)).toEqual([
    expect.stringMatching(/^POST \/gone \(application\/proto, 2 B\): no response: ./),
  ]);
});

test("raw requests are shown like other exchanges, and only the last six go to a report without a finding", async () => {
  const exchanges = await record(async (transport) => {
    for (let index = 0; index < 9; index += 1) await transport.request({ ...call, path: `/Sync${index}` });
    const head = "POST /Send HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a-token-of-bob\r\ncontent-length: 2\r\n\r\n";
    await transport.raw(0, Buffer.concat([Buffer.from(head), Buffer.from([8, 3])]));
  });
  const messages = exchanges.toMessages();
  expect(messages.map(({ request }) => request)).toEqual([
    ...["4", "5", "6", "7", "8"].map((index) => `POST /Sync${index}`),
    "POST /Send",
  ]);
  expect(messages.at(-1)).toMatchObject({ status: 201, requestSize: 2, responseSize: 4 });
  expect(JSON.stringify(messages.flatMap(exchangeLines))).not.toContain("a-token-of-bob");
});

test("HTML and Markdown have the exchanges folded, the terminal only with verbose", async () => {
  const exchanges = (await record((transport) => transport.request(call))).toMessages();
  const report = reportOf([{ ...failedCase("http/a", ["HTTP-BINARY"]), exchanges }]);
  const dump = "000  08 01 00 ff              ····";
  expect(renderers.html(report)).toMatch(new RegExp(`<details><summary>HTTP exchange[^]*${dump}`));
  expect(renderers.markdown(report)).toMatch(new RegExp(`<summary>Last HTTP exchanges</summary>[^]*${dump}`));
  const terminal = (detail: "normal" | "verbose") => renderReport(report, (_, text) => text, { detail });
  // The path is that of no RPC, so the diagram shows the bytes.
  expect(terminal("normal")).toContain("POST /Sync, 2 B 08 03");
  expect(terminal("normal")).toContain("HTTP 201: 4 B 08 01 00 ff");
  expect(terminal("normal")).not.toContain(dump);
  expect(terminal("verbose")).toContain(dump);
});
