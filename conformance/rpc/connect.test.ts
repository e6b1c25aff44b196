import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { SyncResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { encode, interpret } from "./connect.js";

const page = { svrSeq: 3, epoch: "e" };
const response = (status: number, type: string | undefined, body: Uint8Array | string) => ({
  status,
  headers: type === undefined ? {} : { "content-type": type },
  body: typeof body === "string" ? Buffer.from(body) : body,
});
const interpreted = (
  status: number,
  type: string | undefined,
  body: Uint8Array | string,
  codec: "proto" | "json" = "proto",
) => interpret(codec, SyncResponseSchema, response(status, type, body));

const detail = (reason: Reason) => ({
  type: "seqsync.v1.ErrorDetail",
  value: base64Encode(
    toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { reason, svrSeq: 7, epoch: "e" })),
    "std_raw",
  ),
});
const refusal = (code: string, ...details: unknown[]) => JSON.stringify({ code, message: "m", details });

describe("a response with status 200", () => {
  test.each([
    ["00Z", "response"],
    ["00.250Z", "response"],
    ["00.250000000Z", "response"],
    ["00.25Z", "malformed"],
    ["00.250+00:00", "malformed"],
  ])("needs times in the form of the JSON mapping: %s is %s", (seconds, kind) => {
    const acceptedAt = `2026-01-01T00:00:${seconds}`;
    const body = JSON.stringify({ messages: [{ seq: 1, acceptedAt }] });
    expect(interpreted(200, "application/json", body, "json")).toMatchObject({ kind });
  });

  test.each(["proto", "json"] as const)("is decoded as %s, with any parameters of its media type", (codec) => {
    const outcome = interpreted(
      200,
      `Application/${codec}; charset=utf-8`,
      encode(codec, SyncResponseSchema, page),
      codec,
    );
    expect(outcome).toMatchObject({ kind: "response", value: page });
  });

  test.each([
    ["application/json", "{}", "HTTP-ANSWER-TYPE"],
    [undefined, "", "HTTP-ANSWER-TYPE"],
    ["application/proto", Buffer.from([0x0a, 0x05, 1]), "HTTP-BINARY"],
  ])("with another media type, %s, or another message is malformed", (type, body, requirement) => {
    expect(interpreted(200, type, body)).toMatchObject({ kind: "malformed", requirement });
  });

  test("in JSON may have unknown fields, and must be JSON", () => {
    expect(interpreted(200, "application/json", '{"svrSeq":3,"more":1}', "json")).toMatchObject({ kind: "response" });
    expect(interpreted(200, "application/json", "{", "json")).toMatchObject({
      kind: "malformed",
      requirement: "HTTP-JSON",
    });
  });
});

describe("a response with another status", () => {
  test("is a refusal, with the ErrorDetail among other details", () => {
    const body = refusal("out_of_range", { type: "google.rpc.Help", value: "" }, detail(Reason.CLI_SEQ_AHEAD));
    expect(interpreted(400, "application/json", body)).toMatchObject({
      kind: "refusal",
      refusal: { status: 400, code: "out_of_range", reason: Reason.CLI_SEQ_AHEAD, detail: { svrSeq: 7, epoch: "e" } },
    });
  });

  test.each([
    [503, refusal("unavailable")],
    [504, refusal("deadline_exceeded")],
    [429, refusal("resource_exhausted")],
    [429, "<h1>slow down</h1>"],
    [502, ""],
    [503, "not json"],
    [504, "{}"],
  ])("is retryable: %s %s", (status, body) => {
    expect(interpreted(status, "application/json", body)).toMatchObject({ kind: "retryable" });
  });

  test("is a refusal if resource_exhausted has a reason", () => {
    const body = refusal("resource_exhausted", detail(Reason.BACKLOG_FULL));
    expect(interpreted(429, "application/json", body)).toMatchObject({ kind: "refusal" });
  });

  test.each([
    [400, "application/json", refusal("out_of_order"), "ERR-SHAPE"],
    [404, "application/json", refusal("unauthenticated"), "ERR-SHAPE"],
    [400, "text/html", refusal("out_of_range"), "ERR-SHAPE"],
    [500, undefined, "", "ERR-SHAPE"],
    [404, "text/html", "no such page", "HTTP-PATH"],
    [302, undefined, "", "ERR-SHAPE"],
  ])("is malformed: %s %s %s", (status, type, body, requirement) => {
    expect(interpreted(status, type, body)).toMatchObject({ kind: "malformed", requirement });
  });
});
