import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Digest } from "./digest.js";
import { ID_KINDS, MAX_ID_BYTES } from "./ids.js";
import { COLLISIONS, SIMILAR_IDS } from "./similar-ids.js";

const bytesOf = (text: string) => [...Buffer.from(text)];

/** The hashes of `COLLISIONS`, as their specifications define them. */
const HASHES: Record<string, (text: string) => number> = {
  "String.hashCode of Java": (text) => bytesOf(text).reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 0),
  djb2: (text) => bytesOf(text).reduce((hash, byte) => (Math.imul(hash, 33) + byte) | 0, 5381),
  "Adler-32": (text) => {
    const [low, high] = bytesOf(text).reduce(([a, b], byte) => [(a + byte) % 65_521, (b + a + byte) % 65_521], [1, 0]);
    return high * 65_536 + low;
  },
  "CRC-32": (text) => crc32(text),
  "CRC-32C": (text) => {
    let crc = 0xffff_ffff;
    for (const byte of bytesOf(text)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
    }
    return ~crc >>> 0;
  },
  "FNV-1": (text) => bytesOf(text).reduce((hash, byte) => Math.imul(hash, 16_777_619) ^ byte, 2_166_136_261 | 0),
  "FNV-1a": (text) => bytesOf(text).reduce((hash, byte) => Math.imul(hash ^ byte, 16_777_619), 2_166_136_261 | 0),
  "MurmurHash3 with the seed 0": (text) => {
    const bytes = Buffer.from(text);
    // Texts of whole blocks only.
    if (bytes.length % 4 !== 0) return Number.NaN;
    let hash = 0;
    for (let at = 0; at < bytes.length; at += 4) {
      const k = Math.imul(bytes.readUInt32LE(at), 0xcc9e_2d51);
      hash ^= Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe654_6b64) | 0;
    }
    // The end of the algorithm mixes the length into it, which is the same for both.
    return hash;
  },
};

const digests = Array.from({ length: 100 }, (_, n) => new Digest(`case-${n}`));

describe("the hash", () => {
  test.each(Object.keys(COLLISIONS))("%s is the same for the whole ids", (hash) => {
    const of = HASHES[hash] as (text: string) => number;
    expect(of("four")).not.toBe(of("five"));
    for (const digest of digests) {
      const ids = SIMILAR_IDS[hash]?.(digest) ?? [];
      expect(new Set(ids).size).toBe(2);
      expect(new Set(ids.map((id) => of(id))).size).toBe(1);
    }
  });
});

const makers: Record<string, (digest: Digest) => readonly string[]> = {
  ...SIMILAR_IDS,
  ...Object.fromEntries(Object.entries(ID_KINDS).map(([kind, make]) => [`kind ${kind}`, (it: Digest) => [make(it)]])),
};

test.each(Object.keys(makers))("ids of one family are well-formed, short, and differ: %s", (family) => {
  const ids = digests.flatMap((digest) => makers[family]?.(digest) ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  const isValid = (id: string) => {
    const bytes = Buffer.from(id);
    return bytes.toString("utf8") === id && bytes.length > 0 && bytes.length <= MAX_ID_BYTES;
  };
  expect(ids.filter((id) => !isValid(id))).toEqual([]);
});

test("there are at least two ids in a family", () => {
  const small = Object.keys(SIMILAR_IDS).filter((name) => (SIMILAR_IDS[name]?.(new Digest("x")).length ?? 0) < 2);
  expect(small).toEqual([]);
});
