import { describe, expect, test } from "vitest";
import { STATUS_OF } from "./connect.js";
import { judgeResponse, judgeStreamHead, type SentRequest } from "./every-response.js";

const NO_STORE = { "cache-control": "private, No-Store" };
const path = (rpc: string) => `/seqsync.v1.SeqSyncService/${rpc}`;

interface Reply {
  status?: number;
  type?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** The requirements that a response violates. */
function blamed(rpc: string, reply: Reply, request: Partial<SentRequest> = {}): string[] {
  const { status = 200, type = "application/json", headers = NO_STORE, body = {} } = reply;
  const response = {
    status,
    headers: { "content-type": type, ...headers },
    body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)),
  };
  return judgeResponse({ path: path(rpc), ...request }, response).map(({ requirement }) => requirement);
}

const refusal = (code: string, ...details: object[]): Reply => ({
  status: STATUS_OF[code] ?? 0,
  body: { code, details },
});

const detail = (value: string) => ({ type: "seqsync.v1.ErrorDetail", value });

describe("Cache-Control", () => {
  test("must hold no-store in a success and in a Connect error of Send and Sync", () => {
    for (const rpc of ["Send", "Sync"])
      for (const reply of [{}, { type: "application/proto" }, refusal("not_found"), refusal("unavailable")]) {
        expect(blamed(rpc, reply)).toEqual([]);
        for (const headers of [{}, { "cache-control": "no-cache" }, { "cache-control": "no-stored" }])
          expect(blamed(rpc, { ...reply, headers })).toEqual(["HTTP-NO-STORE"]);
      }
  });

  test("is free in other responses", () => {
    const headers = {};
    expect(blamed("GetServerInfo", { headers })).toEqual([]);
    expect(blamed("Nothing", { headers })).toEqual([]);
    expect(blamed("Send", { headers }, { method: "GET" })).toEqual([]);
    expect(blamed("Send", { headers, type: "application/connect+proto" })).toEqual([]);
    expect(blamed("Send", { headers, status: 413, body: { code: "resource_exhausted" } })).toEqual([]);
    expect(blamed("Send", { headers, status: 404, type: "text/plain" })).toEqual([]);
    expect(blamed("Send", { headers, status: 400, body: { error: "bad" } })).toEqual([]);
  });
});

describe("Content-Encoding", () => {
  const gzip = { headers: { ...NO_STORE, "content-encoding": "GZIP" } };
  test("must be one that the request offers", () => {
    const offers: [offer: [string, string][], isOffered: boolean][] = [
      [[], false],
      [[["Accept-Encoding", "br"]], false],
      [[["accept-encoding", "gzip;q=0, br"]], false],
      [[["accept-encoding", "gzip ; Q=0.00"]], false],
      [[["ACCEPT-encoding", "br, gzip;q=0.1"]], true],
      [
        [
          ["accept-encoding", "br"],
          ["accept-encoding", "x-gzip"],
        ],
        true,
      ],
      [[["accept-encoding", "*"]], true],
    ];
    for (const [headers, isOffered] of offers)
      expect(blamed("GetServerInfo", gzip, { headers })).toEqual(isOffered ? [] : ["HTTP-COMPRESSION"]);
    expect(blamed("Sync", { headers: { ...NO_STORE, "content-encoding": "identity" } })).toEqual([]);
  });

  test("of a stream is that of its messages, and none of the whole", () => {
    const judge = (headers: Record<string, string>, request = {}) => judgeStreamHead({ headers: request }, { headers });
    expect(judge({})).toBeUndefined();
    expect(judge({ "connect-content-encoding": "gzip" }, { "Connect-Accept-Encoding": "gzip" })).toBeUndefined();
    expect(judge({ "connect-content-encoding": "gzip" }, { "accept-encoding": "gzip" })).toMatchObject({
      requirement: "HTTP-COMPRESSION",
    });
    expect(judge({ "content-encoding": "gzip" }, { "accept-encoding": "gzip" })).toMatchObject({
      requirement: "HTTP-COMPRESSION",
    });
  });
});

describe("JSON", () => {
  test("of a response is in the form of the mapping", () => {
    const page = {
      epoch: "e1",
      svr_seq: 1,
      messages: [{ seq: 1, payload: "+/8=", acceptedAt: "2026-01-01T00:00:00Z" }],
      unknown: null,
    };
    expect(blamed("Sync", { body: page })).toEqual([]);
    const info = { profiles: ["PROFILE_CORE", 99], dedupWindow: "1.500s", maxPageSize: 1 };
    expect(blamed("GetServerInfo", { body: info })).toEqual([]);
  });

  test.each([
    ["HTTP-JSON-NUMBERS", "Sync", { svrSeq: "1" }],
    ["HTTP-JSON-NUMBERS", "Sync", { svr_seq: "1" }],
    ["HTTP-JSON-NUMBERS", "Sync", { messages: [{ seq: 1 }, { seq: "2" }] }],
    ["HTTP-JSON", "Sync", { messages: null }],
    ["HTTP-JSON", "Sync", { messages: [{ payload: null }] }],
    ["HTTP-JSON", "Sync", { messages: [{ payload: "-_8=" }] }],
    ["HTTP-JSON", "Sync", { messages: [{ payload: "+/8" }] }],
    ["HTTP-JSON", "Sync", { messages: [{ payload: "+/9=" }] }],
    ["HTTP-JSON", "Sync", { messages: [{ payload: "aGVs\nbG8=" }] }],
    ["HTTP-JSON", "GetServerInfo", { profiles: [1] }],
    ["HTTP-JSON", "GetServerInfo", { dedupWindow: "1.5s" }],
    ["HTTP-JSON", "Sync", Buffer.from('{"epoch":"\xe9"}', "latin1")],
  ])("violates %s in a response of %s with %j", (requirement, rpc, body) => {
    expect(blamed(rpc, { body })).toEqual([requirement]);
  });
});

describe("a refusal", () => {
  test("has the code of its reason, and one ErrorDetail", () => {
    const unknown = detail("CAU");
    expect(blamed("Send", refusal("not_found", unknown, { type: "x.Other", value: "" }))).toEqual([]);
    expect(blamed("Send", refusal("invalid_argument", unknown))).toEqual(["ERR-CODE"]);
    expect(blamed("Send", refusal("not_found", unknown, unknown))).toEqual(["ERR-REASON"]);
    expect(blamed("Send", refusal("unavailable", unknown))).toEqual([]);
  });
});
