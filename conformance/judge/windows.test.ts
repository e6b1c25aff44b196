import { expect, test } from "vitest";
import type { Send } from "./sends.js";
import { DedupWindows } from "./windows.js";

/** A Send with nothing but a name. */
const send = (name: string) => ({ name }) as unknown as Send;
const [a, b, c] = [send("a"), send("b"), send("c")];

test("a window expires after its end, and only once", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  expect(windows.expire(99n)).toEqual([]);
  expect(windows.expire(100n)).toEqual([]);
  expect(windows.expire(101n)).toEqual([a]);
  expect(windows.expire(200n)).toEqual([]);
});

test("windows expire by their end, not in the order in which they were opened", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 300n);
  windows.open(2n, b, 100n);
  windows.open(3n, c, 200n);
  expect(windows.expire(150n)).toEqual([b]);
  expect(windows.expire(250n)).toEqual([c]);
  expect(windows.expire(350n)).toEqual([a]);
});

test("after one window expires, the next one is the earliest of the rest", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  windows.open(2n, b, 400n);
  windows.open(3n, c, 300n);
  expect(windows.expire(101n)).toEqual([a]);
  expect(windows.expire(300n)).toEqual([]);
  expect(windows.expire(301n)).toEqual([c]);
  expect(windows.expire(400n)).toEqual([]);
  expect(windows.expire(401n)).toEqual([b]);
});

test("a window that is opened after others expired expires as well", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  expect(windows.expire(500n)).toEqual([a]);
  windows.open(2n, b, 600n);
  expect(windows.expire(600n)).toEqual([]);
  expect(windows.expire(601n)).toEqual([b]);
});

test("several windows expire together, but no closed one", () => {
  const windows = new DedupWindows();
  windows.open(1n, a, 100n);
  windows.open(2n, b, 110n);
  windows.open(3n, c, 120n);
  windows.close(2n);
  expect(windows.expire(1000n)).toEqual([a, c]);
});
