import { expect, test } from "vitest";
import type { Send } from "./sends.js";
import { DedupWindows } from "./windows.js";

/** A Send of which only its name matters here. */
const send = (name: string) => ({ name }) as unknown as Send;
const [a, b, c] = [send("a"), send("b"), send("c")];

test("a window is over after its end, and then once", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  expect(windows.over(99n)).toEqual([]);
  expect(windows.over(100n)).toEqual([]);
  expect(windows.over(101n)).toEqual([a]);
  expect(windows.over(200n)).toEqual([]);
});

test("each is over at its own time, in whatever order they were opened", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 300n);
  windows.open(2n, b, 100n);
  windows.open(3n, c, 200n);
  expect(windows.over(150n)).toEqual([b]);
  expect(windows.over(250n)).toEqual([c]);
  expect(windows.over(350n)).toEqual([a]);
});

test("of those that are left the soonest is waited for", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  windows.open(2n, b, 400n);
  windows.open(3n, c, 300n);
  expect(windows.over(101n)).toEqual([a]);
  expect(windows.over(300n)).toEqual([]);
  expect(windows.over(301n)).toEqual([c]);
  expect(windows.over(400n)).toEqual([]);
  expect(windows.over(401n)).toEqual([b]);
});

test("one that is opened when others are over is waited for", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  expect(windows.over(500n)).toEqual([a]);
  windows.open(2n, b, 600n);
  expect(windows.over(600n)).toEqual([]);
  expect(windows.over(601n)).toEqual([b]);
});

test("several at once, and none that has its outcome", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  windows.open(2n, b, 110n);
  windows.open(3n, c, 120n);
  windows.settle(2n);
  expect(windows.over(1000n)).toEqual([a, c]);
});
