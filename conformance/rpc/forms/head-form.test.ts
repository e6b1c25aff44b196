import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FormAspect } from "./aspects.js";
import { EXTRA_HEADERS, MANY_HEADERS } from "./extra-headers.js";
import { varyHead } from "./head-form.js";
import { choiceOf } from "./testing/choice.js";

const ASPECTS = [
  "header-case",
  "header-order",
  "extra-headers",
  "scheme",
  "media-type",
] as const satisfies FormAspect[];

const plainOf = (type: string): [string, string][] => [
  ["content-type", type],
  ["authorization", "Bearer Bearer-token"],
  ["content-length", "12"],
  ["x-own", "Value"],
];

const TYPES = ["application/proto", "application/json", "application/connect+proto", "application/connect+json"];

const forms = (plain: [string, string][], aspects: readonly FormAspect[], count = 300) =>
  Array.from({ length: count }, (_, seed) => varyHead(plain, choiceOf(seed, aspects)));

/** What a server makes of headers: the names without case and order. */
const meaning = (headers: readonly (readonly [string, string])[]) => {
  const values = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  const type = values
    .get("content-type")
    ?.toLowerCase()
    .replace(/; ?charset=utf-8$/, "");
  const credential = values.get("authorization")?.replace(/^bearer /i, "Bearer ");
  return { type, credential, length: values.get("content-length"), own: values.get("x-own") };
};

describe("varyHead", () => {
  test("returns headers that mean the same, none of them twice", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TYPES).map(plainOf),
        fc.nat(),
        fc.subarray<FormAspect>(ASPECTS),
        (plain, seed, aspects) => {
          const varied = varyHead(plain, choiceOf(seed, aspects));
          expect(meaning(varied)).toEqual(meaning(plain));
          expect(new Set(varied.map(([name]) => name.toLowerCase())).size).toBe(varied.length);
          if (!aspects.includes("extra-headers")) expect(varied).toHaveLength(plain.length);
          if (aspects.length === 0) expect(varied).toEqual(plain);
          expect(varied.join("").length).toBeLessThan(plain.join("").length + 1200);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.each(ASPECTS)("changes the headers by %s", (aspect) => {
    const plain = plainOf("application/json");
    const key = JSON.stringify(plain);
    expect(forms(plain, [aspect]).some((form) => JSON.stringify(form) !== key)).toBe(true);
  });

  test.each(TYPES)("adds a charset to JSON alone: %s", (type) => {
    const types = forms(plainOf(type), ["media-type"]).map(([first]) => first?.[1] ?? "");
    expect(types.some((it) => it.includes("charset"))).toBe(type === "application/json");
  });

  test("keeps media types and schemes that a case has chosen", () => {
    const plain: [string, string][] = [
      ["content-type", "application/json; charset=latin1"],
      ["authorization", "Basic Bearer"],
    ];
    expect(forms(plain, ["media-type", "scheme"]).every((form) => form.join() === plain.join())).toBe(true);
  });

  test("adds no header that is present, and none beside a long token", () => {
    const present: [string, string][] = [...Object.keys(EXTRA_HEADERS), ...MANY_HEADERS.map(([name]) => name)].map(
      (name) => [name.toUpperCase(), "own"],
    );
    expect(forms(present, ["extra-headers"]).every((form) => form.length === present.length)).toBe(true);
    const long: [string, string][] = [["authorization", `Bearer ${"t".repeat(4096)}`]];
    expect(forms(long, ["extra-headers"]).every((form) => form.length === 1)).toBe(true);
  });

  test("adds each of the further headers", () => {
    const names = forms(plainOf("application/json"), ["extra-headers"], 500).flatMap((form) => form.map(([it]) => it));
    expect(Object.keys(EXTRA_HEADERS).filter((name) => !names.includes(name))).toEqual([]);
  });

  test("adds very many short headers now and then", () => {
    const lengths = forms(plainOf("application/json"), ["extra-headers"], 100).map(({ length }) => length);
    expect(Math.max(...lengths)).toBeGreaterThan(MANY_HEADERS.length);
    expect(lengths.filter((it) => it < MANY_HEADERS.length).length).toBeGreaterThan(lengths.length / 2);
  });
});
