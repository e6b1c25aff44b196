import { expect, test } from "vitest";
import { RateLimiter } from "./rate-limit.js";

/** Returns a clock that only `pass` advances, and the list of the requested waits. */
function clock() {
  let now = 5000;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    pass: (ms: number) => {
      now += ms;
    },
    wait: async (ms: number) => {
      waits.push(ms);
    },
  };
}

test("simultaneous requests are spaced evenly", async () => {
  const { now, wait, waits } = clock();
  const limiter = new RateLimiter(10, now, wait);
  await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()]);
  expect(waits).toEqual([100, 200]);
});

test("idle time does not allow a burst", async () => {
  const { now, wait, waits, pass } = clock();
  const limiter = new RateLimiter(2, now, wait);
  await limiter.acquire();
  pass(60_000);
  await limiter.acquire();
  await limiter.acquire();
  expect(waits).toEqual([500]);
});
