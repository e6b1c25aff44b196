import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonError, lineOfValue, parseJson } from "./json.js";
import { scanJson } from "./json-scan.js";

/** JSON texts with some characters replaced, removed or inserted. */
const damaged = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(200), fc.nat(2), fc.constantFrom(...'{}[],:"\\ \n\t0-1.eEtrufalsn\u0000é')), {
      maxLength: 3,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce((it, [at, removed, added]) => it.slice(0, at) + added + it.slice(at + removed), text),
  );

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("the scanner finds an error exactly in the texts that JSON.parse rejects", () => {
  let invalid = 0;
  fc.assert(
    fc.property(damaged, (text) => {
      const at = scanJson(text);
      if (at !== undefined) invalid += 1;
      expect(at === undefined).toBe(isJson(text));
    }),
    { seed: 1, numRuns: 3000 },
  );
  expect(invalid).toBeGreaterThan(500);
});

describe("an error has the line and the column, and does not quote the text", () => {
  test.each([
    ['{\n  "a": 1,\n  secret\n}', 3, "this is not JSON, from column 3 on"],
    ['{"a": 1}\n{"b": 2}', 2, "this is not JSON, from column 1 on"],
    ['[1,\n"secret\n"]', 2, "this is not JSON, from column 1 on"],
    ['{\n"a": [1, 2', 2, "the JSON text ends too early"],
    ['{"a": "b\n', 1, "this is not JSON, from column 7 on"],
    ["", 1, "the JSON text ends too early"],
    ["\u0000\u0000", 1, "this is not JSON, from column 1 on"],
    ["[\n".repeat(100_000), 65, "there are more than 64 levels of objects and arrays"],
  ])("%#", (text, line, message) => {
    let error: unknown;
    try {
      parseJson(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(JsonError);
    expect(error).toMatchObject({ line, message });
  });
});

test("the line of a value is found by its path", () => {
  const text = '{\n "cases": [\n  {"id": "a]"},\n  {"id": "b"}\n ],\n "seed": 1\n}';
  expect(lineOfValue(text, ["cases", 1])).toBe(4);
  expect(lineOfValue(text, ["cases", 0, "id"])).toBe(3);
  expect(lineOfValue(text, ["seed"])).toBe(6);
  expect(lineOfValue(text, ["none"])).toBe(1);
});
