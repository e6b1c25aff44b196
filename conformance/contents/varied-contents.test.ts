import { describe, expect, test } from "vitest";
import { seeded } from "../random.js";
import { CONTENT_ASPECTS, type ContentAspectName } from "./aspects.js";
import { CORPUS } from "./corpus.js";
import { PlainContents, VariedContents } from "./varied-contents.js";

const ALL = CONTENT_ASPECTS.map(({ name }) => name);

const contentsOf = (seed: number, aspects: readonly ContentAspectName[] = ALL) =>
  new VariedContents(seeded(seed, "contents"), new Set<string>(aspects));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("ids", () => {
  test("of one object differ, and have 1 to 64 bytes", () => {
    const contents = contentsOf(1);
    const ids = Array.from({ length: 10_000 }, () => contents.id("unique"));
    expect(new Set(ids).size).toBe(ids.length);
    const lengths = ids.map((id) => Buffer.from(id).length);
    expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([expect.any(Number), 64]);
    expect(Math.min(...lengths)).toBeGreaterThan(0);
  });

  test("differ from those of other cases with the same seed", () => {
    const [one, other] = [contentsOf(1), contentsOf(1)];
    const ids = Array.from({ length: 2000 }, () => [one.id("one"), other.id("other")]).flat();
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("are determined by seed and name", () => {
    const idsOf = (contents: VariedContents) => Array.from({ length: 100 }, () => contents.id("unique"));
    expect(idsOf(contentsOf(1))).toEqual(idsOf(contentsOf(1)));
    expect(idsOf(contentsOf(1))).not.toEqual(idsOf(contentsOf(2)));
  });

  test("are plain without their aspects", () => {
    const [contents, plain] = [contentsOf(1, ["payloads", "payload-sizes"]), new PlainContents()];
    for (let n = 1; n <= 100; n += 1) expect(contents.id("unique")).toBe(plain.id("unique"));
  });

  test.each(["ids", "similar-ids"] as const)("vary by %s", (aspect) => {
    const contents = contentsOf(1, [aspect]);
    const ids = Array.from({ length: 100 }, () => contents.id("unique"));
    expect(ids.filter((id) => !id.startsWith("unique")).length).toBeGreaterThan(5);
  });
});

describe("payloads", () => {
  test("of distinct texts differ, and are the same for the same text", () => {
    const contents = contentsOf(1);
    const texts = Array.from({ length: 10_000 }, (_, n) => `message ${n + 1}`);
    const payloads = texts.map((text) => hex(contents.payload(text, 262_144)));
    expect(new Set(payloads).size).toBe(payloads.length);
    expect(texts.slice(0, 2000).map((text) => hex(contents.payload(text, 262_144)))).toEqual(payloads.slice(0, 2000));
  });

  test.each([0, 1, 2, 7, 64, 1024])("have at most %s bytes, if that is the limit", (maxBytes) => {
    const contents = contentsOf(1);
    const lengths = Array.from({ length: 1000 }, (_, n) => contents.payload(`message ${n}`, maxBytes).length);
    expect(Math.max(...lengths)).toBe(maxBytes);
  });

  test("are mostly small, now and then large, and all together bounded", () => {
    const contents = contentsOf(1);
    const sizes = Array.from({ length: 20_000 }, (_, n) => contents.payload(`message ${n}`, 1 << 20).length);
    expect(sizes.filter((size) => size > 1024).length).toBeGreaterThan(5);
    expect(sizes.filter((size) => size <= 1100).length).toBeGreaterThan(19_500);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(70_000);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10 << 20);
    for (const size of [0, 1, 255, 256, 257, 1024]) expect(sizes).toContain(size);
  });

  test("hold each entry of the corpus, alone", () => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 100; seed += 1) {
      const contents = contentsOf(seed, ["payloads"]);
      for (let n = 0; n < 60; n += 1) drawn.add(hex(contents.payload(`message ${n}`, 4096)));
    }
    expect(CORPUS.filter(({ bytes }) => !drawn.has(hex(bytes))).map(({ name }) => name)).toEqual([]);
  });

  test("are plain without their aspects", () => {
    const [contents, plain] = [contentsOf(1, ["ids", "similar-ids"]), new PlainContents()];
    for (let n = 1; n <= 100; n += 1)
      expect(hex(contents.payload(`message ${n}`, 7))).toBe(hex(plain.payload(`message ${n}`, 7)));
  });

  test.each(["payloads", "payload-sizes"] as const)("vary by %s", (aspect) => {
    const contents = contentsOf(1, [aspect]);
    const payloads = Array.from({ length: 100 }, (_, n) => hex(contents.payload(`message ${n}`, 4096)));
    expect(payloads.filter((payload, n) => payload !== hex(Buffer.from(`message ${n}`))).length).toBeGreaterThan(50);
  });
});

test("the entries of the corpus have different names and bytes", () => {
  expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
  const twice = CORPUS.filter((entry, index) => CORPUS.findIndex((it) => hex(it.bytes) === hex(entry.bytes)) !== index);
  expect(twice.map(({ name }) => name)).toEqual([]);
});
