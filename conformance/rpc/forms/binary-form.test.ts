import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GetServerInfoRequestSchema,
  SendRequestSchema,
  SyncRequestSchema,
  WatchRequestSchema,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { FormAspect } from "./aspects.js";
import { varyBinary } from "./binary-form.js";
import { choiceOf } from "./testing/choice.js";

const ASPECTS = [
  "field-order",
  "unknown-fields",
  "long-varints",
  "defaults",
  "repeated-fields",
] as const satisfies FormAspect[];

const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 0xffff_ffff), fc.nat(0xffff_ffff));
const text = fc.string({ unit: "binary", maxLength: 64 });
const bytes = fc.uint8Array({ maxLength: 300 });

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

const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

describe("varyBinary", () => {
  test("returns bytes that decode to the same message, at most 1 KiB longer", () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.subarray<FormAspect>(ASPECTS), ({ schema, message }, seed, aspects) => {
        const body = toBinary(schema, create(schema, message));
        const varied = varyBinary(schema, body, choiceOf(seed, aspects));
        const decoded = fromBinary(schema, varied, { readUnknownFields: false });
        expect(isSame(toBinary(schema, decoded), body)).toBe(true);
        expect(varied.length).toBeLessThan(body.length + 1300);
        if (aspects.length === 0) expect(isSame(varied, body)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  test.each(ASPECTS)("changes the bytes by %s", (aspect) => {
    const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { cliSeq: 200, epoch: "e1" }));
    const forms = Array.from({ length: 50 }, (_, seed) =>
      varyBinary(SyncRequestSchema, body, choiceOf(seed, [aspect])),
    );
    expect(forms.some((form) => !isSame(form, body))).toBe(true);
  });

  test("is determined by the choice", () => {
    const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { cliSeq: 200, epoch: "e1" }));
    const [one, other] = [1, 1].map((seed) => varyBinary(SyncRequestSchema, body, choiceOf(seed, ASPECTS)));
    expect(one).toEqual(other);
  });
});
