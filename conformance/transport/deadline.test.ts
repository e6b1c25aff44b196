import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { afterRunnableTime, Deadline } from "./deadline.js";

/** The machine as this process sees it, in milliseconds: the clock, how long it was at rest, and how long at work. */
let machine = { clock: 0, idle: 0, work: 0 };

beforeEach(() => {
  // The clock goes on from test to test, as that of the module does.
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

/** Lets time go by, of which so much was spent at rest and so much at work; the rest was spent waiting for a processor. */
function pass(clock: number, { idle = 0, work = 0 }: { idle?: number; work?: number }): void {
  machine = { clock: machine.clock + clock, idle: machine.idle + idle, work: machine.work + work };
}

/** How many waits a deadline of 5 seconds lasts if each goes by like this. */
function waits(passing: () => void): number {
  const patience = new Deadline(5000);
  for (let count = 0; ; count += 1) {
    if (patience.next() <= 0) return count;
    passing();
  }
}

describe("a deadline passes", () => {
  test("while there is nothing to do", () => {
    expect(waits(() => pass(100, { idle: 100 }))).toBe(50);
  });

  test("while there is much to do, and it gets done", () => {
    expect(waits(() => pass(100, { idle: 30, work: 70 }))).toBe(50);
    // Threads that run beside add to the work; the clock is the bound.
    expect(waits(() => pass(100, { work: 190 }))).toBe(50);
  });

  test("a twentieth as fast where the process has a twentieth of a processor", () => {
    expect(waits(() => pass(100, { work: 5 }))).toBe(1000);
  });

  test("by two waits at most where seconds go by in one", () => {
    expect(waits(() => pass(3000, { work: 3000 }))).toBe(25);
  });
});

test("a time limit waits for what the process has not had of it", () => {
  const late = vi.fn();
  afterRunnableTime(1000, late);
  pass(1000, { idle: 100, work: 300 });
  vi.advanceTimersByTime(1000);
  expect(late).not.toHaveBeenCalled();
  pass(600, { idle: 600 });
  vi.advanceTimersByTime(599);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(late).toHaveBeenCalledOnce();
});

test("a time limit that was called off says nothing", () => {
  const late = vi.fn();
  afterRunnableTime(1000, late)();
  pass(2000, { idle: 2000 });
  vi.advanceTimersByTime(2000);
  expect(late).not.toHaveBeenCalled();
});
