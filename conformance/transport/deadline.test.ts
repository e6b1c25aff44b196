import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { afterRunnableTime, Deadline } from "./deadline.js";

/** The simulated machine, in milliseconds: wall clock, idle time and processor time of this process. */
let machine = { clock: 0, idle: 0, work: 0 };

beforeEach(() => {
  // The module keeps state, so the clock must not go back between tests.
  machine = { clock: machine.clock + 1000, idle: 0, work: 0 };
  vi.spyOn(performance, "now").mockImplementation(() => machine.clock);
  vi.spyOn(performance, "eventLoopUtilization").mockImplementation(() => ({
    idle: machine.idle,
    active: 0,
    utilization: 0,
  }));
  vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: machine.work * 1000, system: 0 }));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Advances the clock. Time that is neither idle nor work was spent waiting for a processor. */
function pass(clock: number, { idle = 0, work = 0 }: { idle?: number; work?: number }): void {
  machine = { clock: machine.clock + clock, idle: machine.idle + idle, work: machine.work + work };
}

/** Number of waits until a deadline of 5 seconds passes, if each wait passes like this. */
function waits(passing: () => void): number {
  const deadline = new Deadline(5000);
  for (let count = 0; ; count += 1) {
    if (deadline.next() <= 0) return count;
    passing();
  }
}

describe("a deadline passes", () => {
  test("while the process is idle", () => {
    expect(waits(() => pass(100, { idle: 100 }))).toBe(50);
  });

  test("while the process works", () => {
    expect(waits(() => pass(100, { idle: 30, work: 70 }))).toBe(50);
    // Worker threads add processor time; the wall clock is the bound.
    expect(waits(() => pass(100, { work: 190 }))).toBe(50);
  });

  test("a twentieth as fast if the process gets a twentieth of a processor", () => {
    expect(waits(() => pass(100, { work: 5 }))).toBe(1000);
  });

  test("by at most two slices if a wait takes seconds", () => {
    expect(waits(() => pass(3000, { work: 3000 }))).toBe(25);
  });
});

test("a time limit waits for the missing runnable time", () => {
  const callback = vi.fn();
  afterRunnableTime(1000, callback);
  pass(1000, { idle: 100, work: 300 });
  vi.advanceTimersByTime(1000);
  expect(callback).not.toHaveBeenCalled();
  pass(600, { idle: 600 });
  vi.advanceTimersByTime(599);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledOnce();
});

test("a cancelled time limit does not call back", () => {
  const callback = vi.fn();
  afterRunnableTime(1000, callback)();
  pass(2000, { idle: 2000 });
  vi.advanceTimersByTime(2000);
  expect(callback).not.toHaveBeenCalled();
});
