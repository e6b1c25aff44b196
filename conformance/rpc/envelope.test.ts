import { describe, expect, test } from "vitest";
import { envelope, envelopes, FLAG_END } from "./envelope.js";

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size: number, maxBytes?: number) {
  const found: { flags: number; body: string }[] = [];
  for await (const { flags, body } of envelopes(chunked(bytes, size), maxBytes))
    found.push({ flags, body: Buffer.from(body).toString() });
  return found;
}

const three = Buffer.concat([
  envelope(Buffer.from("one")),
  envelope(Buffer.alloc(0)),
  envelope(Buffer.from("{}"), FLAG_END),
]);

describe("envelopes", () => {
  test("have one byte of flags and four of length, big-endian", () => {
    expect([...envelope(Buffer.alloc(258, 7), 2).subarray(0, 6)]).toEqual([2, 0, 0, 1, 2, 7]);
  });

  test.each([1, 2, 3, 5, 7, 1000])("are split from chunks of %s bytes", async (size) => {
    expect(await read(three, size)).toEqual([
      { flags: 0, body: "one" },
      { flags: 0, body: "" },
      { flags: FLAG_END, body: "{}" },
    ]);
  });

  test.each([1, 4, 5, 7])("that end after %s bytes are an error", async (length) => {
    await expect(read(three.subarray(0, length), 3)).rejects.toThrow(/ended within an envelope/);
  });

  test("are read up to a number and a total size", async () => {
    const flood = Buffer.alloc(60_000, envelope(new Uint8Array()));
    await expect(read(flood, 1000)).rejects.toThrow(/more than \d+ frames/);
    const large = Buffer.concat(Array(65).fill(envelope(Buffer.alloc(1 << 20))));
    await expect(read(large, 65_536)).rejects.toThrow(/larger than \d+ bytes/);
  });

  test("above the maximum length are rejected before they are read", async () => {
    await expect(read(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), 5, 100)).rejects.toThrow(/4294967295 bytes/);
  });
});
