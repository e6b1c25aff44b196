import { describe, expect, test } from "vitest";
import { newHistory } from "../selftest/histories/history-builder.js";
import { ClockSteps } from "./clock-steps.js";

const MINUTE_MS = 60_000;
const WINDOW = { dedupWindow: { seconds: 600n, nanos: 0 } };

describe("the steps of a clock", () => {
  const times = (clock: ClockSteps) => [clock.earliest(0n), clock.latest(0n)];

  test("count only forward, and between a call and its response only perhaps", () => {
    const clock = new ClockSteps();
    clock.begin(5);
    expect(times(clock)).toEqual([0n, 5000n]);
    clock.end("done");
    expect(times(clock)).toEqual([5000n, 5000n]);
    clock.begin(-5);
    clock.end("done");
    expect(times(clock)).toEqual([5000n, 5000n]);
    clock.begin(0);
    clock.end("done");
    expect(times(clock)).toEqual([10_000n, 10_000n]);
  });

  test("do not count if they were refused", () => {
    const clock = new ClockSteps();
    clock.begin(5);
    clock.end("refused");
    expect(times(clock)).toEqual([0n, 0n]);
  });

  test("stay possible if their outcome is unknown, and the next one starts from the lowest place", () => {
    const clock = new ClockSteps();
    clock.begin(-5);
    clock.end("indeterminate");
    clock.begin(5);
    clock.end("indeterminate");
    expect(times(clock)).toEqual([0n, 10_000n]);
    clock.begin(0);
    clock.end("done");
    expect(times(clock)).toEqual([5000n, 15_000n]);
  });
});

describe("a retry that returned another accepted_at", () => {
  const afterSteps = (...offsets: number[]) => {
    const history = newHistory(WINDOW);
    history.send("m1").ok(1);
    for (const offset of offsets) history.stepClock(offset);
    history.send("m1").ok(2);
    return history.blamed();
  };

  test("is a violation without a step, after a step back, and after one forward within the window", () => {
    expect(afterSteps()).toEqual(["SEND-RETRY"]);
    expect(afterSteps(-60 * MINUTE_MS)).toEqual(["SEND-RETRY"]);
    expect(afterSteps(9 * MINUTE_MS)).toEqual(["SEND-RETRY"]);
  });

  test("is none after a step forward beyond the window, also in several steps, and if the clock then went back", () => {
    expect(afterSteps(11 * MINUTE_MS)).toEqual([]);
    expect(afterSteps(-60 * MINUTE_MS, 0)).toEqual([]);
    expect(afterSteps(6 * MINUTE_MS, 0, 6 * MINUTE_MS)).toEqual([]);
    expect(afterSteps(60 * MINUTE_MS, 0)).toEqual([]);
  });

  test("is a violation if the first attempt came after the step forward", () => {
    const history = newHistory(WINDOW).stepClock(60 * MINUTE_MS);
    history.send("m1").ok(1);
    history.send("m1").ok(2);
    expect(history.blamed()).toEqual(["SEND-RETRY"]);
  });
});
