import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TimeLimit } from "./time-limit.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the signal is aborted when the time has passed", () => {
  const limit = new TimeLimit(1000);
  vi.advanceTimersByTime(999);
  expect(limit.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(limit.signal.aborted).toBe(true);
});

test("the time of an action without the limit does not count, whether it succeeds or not", async () => {
  const limit = new TimeLimit(1000);
  vi.advanceTimersByTime(600);
  expect(await limit.without(async () => vi.advanceTimersByTime(5000) && "done")).toBe("done");
  const failing = limit.without(async () => {
    vi.advanceTimersByTime(5000);
    throw new Error("no restart");
  });
  await expect(failing).rejects.toThrow("no restart");
  vi.advanceTimersByTime(399);
  expect(limit.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(limit.signal.aborted).toBe(true);
});

test("a limit that has ended never aborts", () => {
  const limit = new TimeLimit(1000);
  limit.end();
  vi.advanceTimersByTime(5000);
  expect(limit.signal.aborted).toBe(false);
});
