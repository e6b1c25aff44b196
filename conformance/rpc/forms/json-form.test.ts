import {
  create,
  type DescMessage,
  fromJsonString,
  type Message,
  type MessageInitShape,
  toJsonString,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GetServerInfoRequestSchema,
  SendRequestSchema,
  SyncRequestSchema,
  WatchRequestSchema,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { FormAspect } from "./aspects.js";
import { varyJson } from "./json-form.js";
import { choiceOf } from "./testing/choice.js";

const ASPECTS = [
  "white-space",
  "escapes",
  "member-order",
  "member-names",
  "number-strings",
  "base64",
  "unknown-members",
  "defaults",
] as const satisfies FormAspect[];

const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 0xffff_ffff), fc.nat(0xffff_ffff));
const text = fc.string({ unit: "binary", maxLength: 64 });
const bytes = fc.uint8Array({ maxLength: 1000 });

/** Any request with its type. */
const request: fc.Arbitrary<{ schema: DescMessage; message: MessageInitShape<DescMessage> }> = fc.oneof(
  fc
    .record({ recipientId: text, clientMessageId: text, payload: bytes })
    .map((message) => ({ schema: SendRequestSchema, message })),
  fc
    .record({ cliSeq: uint32, epoch: text, pageSize: uint32 })
    .map((message) => ({ schema: SyncRequestSchema, message })),
  fc.constantFrom({ schema: GetServerInfoRequestSchema, message: {} }, { schema: WatchRequestSchema, message: {} }),
);

const utf8 = (value: string) => Buffer.from(value, "utf8");

/** Reads a request as a server does. */
const read = (schema: DescMessage, body: string) => fromJsonString(schema, body, { ignoreUnknownFields: true });

describe("varyJson", () => {
  test("returns a text that decodes to the same message, at most 16 KiB longer", () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.subarray<FormAspect>(ASPECTS), ({ schema, message }, seed, aspects) => {
        const body = toJsonString(schema, create(schema, message));
        const varied = varyJson(schema, body, choiceOf(seed, aspects));
        expect(utf8(varied).toString()).toBe(varied);
        expect(toJsonString(schema, read(schema, varied))).toBe(body);
        expect(utf8(varied).length).toBeLessThan(utf8(body).length + 16_384);
        if (aspects.length === 0) expect(varied).toBe(body);
      }),
      { numRuns: 5000 },
    );
  });

  test.each(ASPECTS)("changes the text by %s", (aspect) => {
    const cases: [DescMessage, Message][] = [
      [SyncRequestSchema, create(SyncRequestSchema, { cliSeq: 200, epoch: "e1" })],
      [SendRequestSchema, create(SendRequestSchema, { recipientId: "b/o", payload: Buffer.from([0xfb, 0xff]) })],
    ];
    const changed = cases.flatMap(([schema, message]) => {
      const body = toJsonString(schema, message);
      return Array.from({ length: 50 }, (_, seed) => varyJson(schema, body, choiceOf(seed, [aspect])) !== body);
    });
    expect(changed).toContain(true);
  });

  test("escapes a bounded part of a long string", () => {
    const schema: DescMessage = SendRequestSchema;
    const body = toJsonString(
      schema,
      create(SendRequestSchema, { recipientId: "😀".repeat(2000), payload: Buffer.alloc(1 << 14, 0xff) }),
    );
    for (let seed = 0; seed < 20; seed += 1) {
      const varied = varyJson(schema, body, choiceOf(seed, ["escapes"]));
      expect(varied.length).toBeLessThan(body.length + 16_384);
      expect(toJsonString(schema, read(schema, varied))).toBe(body);
    }
  });

  test("writes no member twice, at any depth", () => {
    const body = toJsonString(SyncRequestSchema, create(SyncRequestSchema, { cliSeq: 200, epoch: "e1" }));
    for (let seed = 0; seed < 500; seed += 1) {
      const aspects = ["unknown-members", "member-names", "defaults"] as const;
      const varied = varyJson(SyncRequestSchema, body, choiceOf(seed, aspects));
      // A member that occurs twice gets lost on the way through an object.
      expect(JSON.stringify(JSON.parse(varied)).length).toBe(varied.length);
      const names = Object.keys(JSON.parse(varied) as object);
      for (const { name, jsonName } of SyncRequestSchema.fields)
        expect(names.filter((it) => it === name || it === jsonName).length).toBeLessThan(2);
    }
  });
});
