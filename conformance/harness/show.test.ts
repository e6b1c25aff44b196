import { expect, test } from "vitest";
import { showBoth, showLists } from "./show.js";

const list = (ids: readonly string[]) => ids.map((clientMessageId, index) => ({ seq: index + 1, clientMessageId }));
const many = Array.from({ length: 29 }, (_, index) => `id-${index + 1}`);

test("long lists are cut around their first difference", () => {
  expect(showLists(list(many), list(many.with(25, "id-x")))).toEqual([
    "29 messages: … 24 equal …, 25:id-25, 26:id-26, 27:id-27, … 2 more",
    "29 messages: … 24 equal …, 25:id-25, 26:id-x, 27:id-27, … 2 more",
  ]);
  expect(showLists(list(many), list(many.slice(0, 28)))).toEqual([
    "29 messages: … 27 equal …, 28:id-28, 29:id-29",
    "28 messages: … 27 equal …, 28:id-28",
  ]);
});

test("short lists are shown whole, with the blanks at the ends of ids", () => {
  expect(showLists(list(["a", "a "]), [])).toEqual(["2 messages: 1:a, 2:a\\u0020", "no messages"]);
});

test("long values are cut around their first difference", () => {
  const [expected, actual] = showBoth("x".repeat(900), `${"x".repeat(700)}\r${"x".repeat(199)}`);
  expect(actual).toContain("x\\rx");
  expect(expected).not.toBe(actual);
  expect(actual.length).toBeLessThan(400);
});
