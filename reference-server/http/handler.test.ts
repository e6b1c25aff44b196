import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import {
  GetServerInfoResponseSchema,
  SendRequestSchema,
  SyncRequestSchema,
  SyncResponseSchema,
} from "../../proto/gen/seqsync/v1/service_pb.js";
import { call, callJson, dial, errorSummary, head, serve } from "../testing/http.js";
import type { LogEntry } from "./handler.js";

let server: Awaited<ReturnType<typeof serve>>;
let url: string;
const log: LogEntry[] = [];
beforeAll(async () => {
  server = await serve({ maxPayloadBytes: 1000, log: (entry) => log.push(entry) });
  url = server.url;
});
afterAll(() => server.close());

const sendBody = (fields: { clientMessageId: string; payload?: Uint8Array }) =>
  toBinary(SendRequestSchema, create(SendRequestSchema, { recipientId: "carol", ...fields }));

describe("both codecs", () => {
  test("carry the same calls and responses", async () => {
    const sent = await call(url, "Send", { as: "alice", body: sendBody({ clientMessageId: "codec-1" }) });
    expect([sent.status, sent.headers.get("content-type")]).toEqual([200, "application/proto"]);
    const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { pageSize: 1 }));
    const binary = await call(url, "Sync", { as: "carol", body });
    const page = fromBinary(SyncResponseSchema, binary.body);
    expect(page).toMatchObject({ svrSeq: 1, ackedSeq: 0, nextCliSeq: 1, messages: [{ seq: 1, senderId: "alice" }] });

    const { status, json } = await callJson(url, "Sync", { page_size: "1" }, { as: "carol" });
    expect([status, json["epoch"], json["svrSeq"], json["nextCliSeq"]]).toEqual([200, page.epoch, 1, 1]);
    expect(json["messages"]).toMatchObject([{ seq: 1, senderId: "alice", clientMessageId: "codec-1" }]);
  });

  test("accept the empty message, and GetServerInfo without a credential or with a wrong one", async () => {
    for (const as of ["", "nobody"]) {
      const { status, body } = await call(url, "GetServerInfo", { as });
      expect(status).toBe(200);
      expect(fromBinary(GetServerInfoResponseSchema, body).profiles).toEqual([
        Profile.CORE,
        Profile.JSON,
        Profile.WATCH,
      ]);
      expect(await callJson(url, "GetServerInfo", {}, { as })).toMatchObject({
        status: 200,
        json: { specVersion: "1.0" },
      });
    }
  });

  test.each(["application/proto", "APPLICATION/PROTO", "application/proto; charset=utf-8"])("%s", async (type) => {
    expect((await call(url, "GetServerInfo", { type })).status).toBe(200);
  });

  test.each([
    ["two objects", "{}{}"],
    ["empty", ""],
    ["an array", "[]"],
    ["a string instead of a number", '{"cliSeq":"x"}'],
    ["a number out of range", '{"cliSeq":4294967296}'],
    ["a negative number", '{"cliSeq":-1}'],
    ["half an object", '{"cliSeq":1'],
  ])("JSON that is %s is malformed", async (_, body) => {
    const response = await call(url, "Sync", { type: "application/json", body });
    expect(errorSummary(response)).toBe("400 invalid_argument MALFORMED");
  });

  test.each([
    ["an incomplete field", [0x12, 0x05, 0x61]],
    ["field number 0", [0x00, 0x01]],
    ["wire type 7", [0x0f]],
    ["a string that is not UTF-8", [0x12, 0x01, 0xff]],
    ["a varint without an end", [0x08, ...Array(11).fill(0xff)]],
  ])("a binary body with %s is malformed", async (_, bytes) => {
    const response = await call(url, "Sync", { body: Uint8Array.from(bytes as number[]) });
    expect(errorSummary(response)).toBe("400 invalid_argument MALFORMED");
  });

  test("unknown fields and members are ignored", async () => {
    const body = Uint8Array.of(0xf8, 0x3f, 0x07, 0xfa, 0x3f, 0x01, 0x61);
    expect((await call(url, "Sync", { body })).status).toBe(200);
    expect((await callJson(url, "Sync", { unknown: [{}], epoch: null })).status).toBe(200);
  });
});

describe("plain HTTP responses", () => {
  test.each([
    ["/seqsync.v1.SeqSyncService/Sink", 404],
    ["/seqsync.v1.SeqSyncService/sync", 404],
    ["/seqsync.v1.SeqSyncService/Sync/", 404],
    ["/seqsync.conformance.v1.FixtureService/CreateAccount", 404],
    ["/", 404],
  ])("POST %s is %i", async (path, status) => {
    expect((await call(url, path)).status).toBe(status);
  });

  test.each(["GET", "HEAD", "PUT", "PATCH", "DELETE"])("%s is 405 with the allowed method", async (verb) => {
    const { status, headers } = await call(url, "Sync", { verb });
    expect([status, headers.get("allow")]).toEqual([405, "POST"]);
  });

  test.each([
    ["Sync", "text/plain"],
    ["Sync", "application/connect+proto"],
    ["Sync", "application/grpc"],
    ["Sync", "constructor"],
    ["Watch", "application/proto"],
    ["Watch", "application/json"],
  ])("%s in %s is 415", async (method, type) => {
    const { status, headers } = await call(url, method, { type });
    expect(status).toBe(415);
    const prefix = method === "Watch" ? "application/connect+" : "application/";
    expect(headers.get("accept-post")).toBe(`${prefix}proto, ${prefix}json`);
  });

  test("undeclared profiles are not served", async () => {
    const bare = await serve({ profiles: [] });
    expect((await call(bare.url, "Sync", { type: "application/json", body: "{}" })).status).toBe(415);
    expect((await call(bare.url, "Watch", { type: "application/connect+proto" })).status).toBe(404);
    expect((await call(bare.url, "Sync")).status).toBe(200);
    await bare.close();
  });
});

describe("refusals", () => {
  test("have the status of the code, the reason, and Cache-Control: no-store", async () => {
    const response = await call(url, "Sync", { type: "application/json", body: '{"cliSeq":7}' });
    expect(errorSummary(response)).toBe("400 out_of_range CLI_SEQ_AHEAD");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(errorSummary(await call(url, "Send", { body: sendBody({ clientMessageId: "" }) }))).toBe(
      "400 invalid_argument CLIENT_MESSAGE_ID_INVALID",
    );
  });

  test("are about the credential rather than the body, if both are invalid", async () => {
    for (const as of ["", "nobody", "x".repeat(5000)]) {
      const response = await call(url, "Sync", { as, type: "application/json", body: "no json" });
      expect(errorSummary(response)).toBe("401 unauthenticated CREDENTIAL_INVALID");
    }
  });

  test("apply to compressed bodies, but not to the encoding identity", async () => {
    const response = await call(url, "Sync", { headers: { "Content-Encoding": "gzip" } });
    expect(errorSummary(response)).toBe("501 unimplemented");
    expect((await call(url, "Sync", { headers: { "Content-Encoding": "identity" } })).status).toBe(200);
  });

  test("apply to bodies longer than the largest payload in base64 plus 64 KiB", async () => {
    const limit = Math.ceil((1000 * 4) / 3) + 65_536;
    const json = (bytes: number) => `{"x":"${"a".repeat(bytes - 8)}"}`;
    for (const method of ["Send", "Sync"]) {
      const fits = await call(url, method, { type: "application/json", body: json(limit) });
      const reason = method === "Send" ? "PAYLOAD_TOO_LARGE" : "MALFORMED";
      if (method === "Send") expect(errorSummary(fits)).toBe("400 invalid_argument CLIENT_MESSAGE_ID_INVALID");
      else expect(fits.status).toBe(200);
      const over = await call(url, method, { type: "application/json", body: json(limit + 1) });
      expect(errorSummary(over)).toBe(`400 invalid_argument ${reason}`);
    }
  });

  test("do not reveal the error of an operation that fails", async () => {
    const broken = await serve({
      operations: {
        sync: () => {
          throw new Error("secret of the server");
        },
      },
    });
    const { error } = console;
    const logged: unknown[] = [];
    console.error = (...args) => void logged.push(...args);
    try {
      const response = await call(broken.url, "Sync");
      expect(errorSummary(response)).toBe("500 internal");
      expect(response.body.toString()).not.toContain("secret");
    } finally {
      console.error = error;
    }
    // The error is logged on the server.
    expect(logged.map(String)).toEqual(["Error: secret of the server"]);
    await broken.close();
  });
});

test("a credential that is revoked while the body is received is refused", async () => {
  const own = await serve();
  const line = await dial(own.url);
  line.write(`${head("Sync", { "Content-Length": 2, Expect: "100-continue" })}`);
  // The server has read the head and waits for the body.
  await line.until(/100 Continue/);
  own.service.accounts.revoke("bob");
  line.write("{}");
  expect(await line.until(/CREDENTIAL_INVALID/)).toMatch(/HTTP\/1\.1 401 /);
  line.cut();
  await own.close();
});

test("the log has every response, and neither credentials nor payloads", async () => {
  log.length = 0;
  const body = sendBody({ clientMessageId: "log-1", payload: Buffer.from("CONTENT") });
  await call(url, "Send?token=carol", { as: "alice", body });
  await call(url, "Sync", { as: "wrong-token" });
  await expect.poll(() => log.length).toBe(2);
  expect(log).toMatchObject([
    { method: "POST", path: "/seqsync.v1.SeqSyncService/Send", status: 200, code: "", reason: "" },
    { path: "/seqsync.v1.SeqSyncService/Sync", status: 401, code: "unauthenticated", reason: "CREDENTIAL_INVALID" },
  ]);
  expect(JSON.stringify(log)).not.toMatch(/alice|carol|wrong-token|CONTENT|log-1/);
});

test("the FixtureService requires its token if there is one", async () => {
  const guarded = await serve({ fixtures: true, fixtureToken: "fixture-token" });
  const path = "/seqsync.conformance.v1.FixtureService/CreateAccount";
  for (const as of ["", "bob", "fixture-tokens"]) {
    expect(errorSummary(await call(guarded.url, path, { as }))).toBe("401 unauthenticated CREDENTIAL_INVALID");
  }
  expect((await call(guarded.url, path, { as: "fixture-token" })).status).toBe(200);
  expect(errorSummary(await call(guarded.url, "Sync", { as: "fixture-token" }))).toMatch(/^401 /);
  await guarded.close();
});
