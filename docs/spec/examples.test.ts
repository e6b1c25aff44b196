import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type Envelope, envelopes } from "../../conformance/rpc/envelope.js";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { endEnvelope } from "../../reference-server/http/codec.js";
import { startReferenceServer } from "../../reference-server/index.js";
import { call, dial } from "../../reference-server/testing/http.js";

/**
 * Tests every named example of the HTTP binding against the reference server: it accepts the requests and returns the
 * responses of the text. The clock is constant and the epoch is `e1`, so they are equal except for this:
 *
 * - JSON is compared as a value, because the text breaks long objects into lines.
 * - `debug` of an error's details, which is to be ignored, is removed first.
 * - Headers of an HTTP response that the text does not show (`Date`, `Connection`, …) are ignored, and `Content-Length`
 *   is compared with the body of the text, because the server's body has `debug`.
 */
const chapter = (name: string) => readFileSync(join(import.meta.dirname, `${name}.md`), "utf8");

const examples = new Map(
  [...chapter("http").matchAll(/^```(hex|json|http) example=(\S+)\n([\s\S]*?)^```$/gm)].map(
    ([, kind, name, text]) => [`${name}`, { kind: `${kind}`, text: `${text}` }] as const,
  ),
);
const tested = new Set<string>();

function example(name: string, kind: string): string {
  const found = examples.get(name);
  if (found?.kind !== kind) throw new Error(`http.md has no ${kind} example=${name}`);
  tested.add(name);
  return found.text;
}

const hex = (name: string) => Buffer.from(example(name, "hex").replace(/\s/g, ""), "hex");
const json = (name: string): unknown => JSON.parse(example(name, "json"));

const servers: { close(graceMs?: number): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

/** Starts a server. Bob's inbox has svr_seq 200, all acknowledged; his token is that of the text. */
async function start() {
  const server = await startReferenceServer({
    now: () => Date.UTC(2026, 0, 1, 0, 0, 0, 250),
    newId: () => "e1",
    heartbeatMs: 60_000,
  });
  servers.push(server);
  server.service.createAccount("alice", "alice");
  server.service.createAccount("bob", "6fJx0Zq1", 200);
  return {
    url: server.url,
    send: () => call(server.url, "Send", { as: "alice", body: hex("send-request") }),
  };
}

/** Parses JSON and removes `debug` at every depth. */
const plain = (body: Uint8Array): unknown =>
  JSON.parse(Buffer.from(body).toString(), (name, value) => (name === "debug" ? undefined : value));

describe("binary", () => {
  test("Send", async () => {
    const { send } = await start();
    const { status, body } = await send();
    expect([status, body.toString("hex")]).toEqual([200, hex("send-response").toString("hex")]);
  });

  test("Sync", async () => {
    const { url, send } = await start();
    await send();
    const { status, body } = await call(url, "Sync", { as: "6fJx0Zq1", body: hex("sync-request") });
    expect([status, body.toString("hex")]).toEqual([200, hex("sync-response").toString("hex")]);
  });
});

test("the same Sync in JSON", async () => {
  const { url, send } = await start();
  await send();
  const body = example("sync-request-json", "json").trim();
  const response = await call(url, "Sync", { as: "6fJx0Zq1", type: "application/json", body });
  expect(response.status).toBe(200);
  expect(plain(response.body)).toEqual(json("sync-response-json"));
});

describe("a refusal as a complete HTTP exchange", () => {
  const [requestHead = "", requestBody = "", responseHead = "", responseBody = ""] = example("sync-refused", "http")
    .trim()
    .split("\n\n");
  const headers = (head: string) =>
    head
      .split("\n")
      .slice(1)
      .map((line) => line.split(": ") as [string, string]);

  test("is processed byte for byte", async () => {
    const { url } = await start();
    const line = await dial(url);
    line.write(`${requestHead.replaceAll("\n", "\r\n")}\r\n\r\n${requestBody}`);
    const [head = "", body = ""] = (await line.until(/\}\]\}$/)).split("\r\n\r\n");
    line.cut();
    expect(head.split("\r\n")[0]).toBe(responseHead.split("\n")[0]);
    for (const [name, value] of headers(responseHead).filter(([name]) => name !== "Content-Length")) {
      expect(head).toContain(`\r\n${name}: ${value}\r\n`);
    }
    expect(JSON.stringify(plain(Buffer.from(body)))).toBe(responseBody);
  });

  test("has the right lengths", () => {
    for (const [head, body] of [
      [requestHead, requestBody],
      [responseHead, responseBody],
    ] as const) {
      expect(Object.fromEntries(headers(head))["Content-Length"]).toBe(`${Buffer.byteLength(body)}`);
    }
  });

  test("has the detail below it, and equals the one in the chapter on errors", () => {
    const detail = hex("error-detail");
    const { details } = JSON.parse(responseBody) as { details: { value: string }[] };
    expect(details).toMatchObject([{ value: detail.toString("base64").replace(/=+$/, "") }]);
    expect(fromBinary(ErrorDetailSchema, detail)).toMatchObject({
      reason: Reason.CLI_SEQ_AHEAD,
      svrSeq: 200,
      epoch: "e1",
    });
    expect(chapter("errors")).toContain(`\`\`\`json\n${responseBody}\n\`\`\``);
  });
});

describe("a Watch", () => {
  const type = "application/connect+proto";

  test("has its first frame", async () => {
    const { url, send } = await start();
    await send();
    const response = await fetch(`${url}/seqsync.v1.SeqSyncService/Watch`, {
      method: "POST",
      headers: { "Content-Type": type, Authorization: "Bearer 6fJx0Zq1" },
      body: hex("watch-request"),
    });
    const frame = hex("watch-frame");
    let received = Buffer.alloc(0);
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      received = Buffer.concat([received, chunk]);
      if (received.length >= frame.length) break;
    }
    expect(received.toString("hex")).toBe(frame.toString("hex"));
  });

  test("ends with these bytes", async () => {
    // The reference server never ends a Watch without an error, so this tests its encoder and the suite's decoder.
    const end = hex("watch-end");
    expect(endEnvelope().toString("hex")).toBe(end.toString("hex"));
    const parts: Envelope[] = [];
    for await (const part of envelopes(
      (async function* () {
        yield end;
      })(),
    )) {
      parts.push(part);
    }
    expect(parts.map(({ flags, body }) => [flags, Buffer.from(body).toString()])).toEqual([[2, "{}"]]);
  });

  test("with an unknown credential", async () => {
    const { url } = await start();
    const { status, body } = await call(url, "Watch", { as: "nobody", type, body: hex("watch-request") });
    expect([status, body[0], body.readUInt32BE(1)]).toEqual([200, 2, body.length - 5]);
    expect(plain(body.subarray(5))).toEqual(json("watch-refused"));
  });
});

// Runs last: every example must be used by a test.
afterAll(() => {
  expect([...examples.keys()].filter((name) => !tested.has(name))).toEqual([]);
});
