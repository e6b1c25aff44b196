import { expect, test } from "vitest";
import { currentCommit, formatData } from "./data.js";

test("formatData writes a line for each member and each element, and rounds fractions to six digits", () => {
  const text = formatData({ date: "2026-01-02", none: [], rows: [{ a: 1_234_567 }, { a: 0.123456789 }] });
  expect(text).toBe(
    '{\n  "date": "2026-01-02",\n  "none": [],\n  "rows": [\n    {"a":1234567},\n    {"a":0.123457}\n  ]\n}\n',
  );
});

test("currentCommit is an abbreviated hash, or unknown without git", () => {
  expect(currentCommit()).toMatch(/^([0-9a-f]{12,}(-dirty)?|unknown)$/);
});
