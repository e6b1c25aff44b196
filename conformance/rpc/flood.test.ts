import { describe, expect, it } from "vitest";
import { SyncResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { decode, encode } from "./connect.js";

const FLOOD = /more than \d+ (fields|values), the most that the suite reads/;

describe("a body is not decoded if it has", () => {
  it.each([
    ["millions of empty messages", "proto", Buffer.alloc(4 << 20, Buffer.from([0x22, 0]))],
    ["millions of unknown fields", "proto", Buffer.alloc(4 << 20, Buffer.from([0x78, 0]))],
    ["millions of empty messages in JSON", "json", Buffer.from(`{"messages":[${"{},".repeat(1_000_000)}{}]}`)],
    ["millions of levels in JSON", "json", Buffer.from(`{"x":${"[".repeat(1_000_000)}`)],
  ] as const)("%s", (_, codec, body) => {
    expect(() => decode(codec, SyncResponseSchema, body)).toThrow(FLOOD);
  });

  it("an id or an epoch that is far too long", () => {
    const long = "x".repeat(20_000);
    const texts = [{ epoch: long }, { messages: [{ senderId: long }] }, { messages: [{ clientMessageId: long }] }];
    for (const message of texts)
      for (const codec of ["proto", "json"] as const)
        expect(() => decode(codec, SyncResponseSchema, encode(codec, SyncResponseSchema, message))).toThrow(
          /has 20000 characters, and the suite reads at most/,
        );
  });

  it("an accepted_at that is no Timestamp", () => {
    // A message whose accepted_at has -1 ns.
    const time = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    const body = Buffer.from([0x22, time.length + 2, 0x2a, time.length, ...time]);
    expect(() => decode("proto", SyncResponseSchema, body)).toThrow("accepted_at is 0 s and -1 ns");
  });
});

it("a large page is decoded, and a message with millions of unknown fields does not keep them", () => {
  const page = Buffer.alloc(30_000, Buffer.from([0x22, 0]));
  expect(decode("proto", SyncResponseSchema, page).messages).toHaveLength(15_000);
  const fields = 50_000;
  const length = [((2 * fields) & 0x7f) | 0x80, (((2 * fields) >> 7) & 0x7f) | 0x80, (2 * fields) >> 14];
  const body = Buffer.concat([Buffer.from([0x22, ...length]), Buffer.alloc(2 * fields, Buffer.from([0x78, 0]))]);
  expect(decode("proto", SyncResponseSchema, body).messages[0]?.$unknown).toBe(undefined);
});
