import { expect, test } from "vitest";
import { RateLimiter } from "./rate-limit.js";

/** A clock that only waiting moves. */
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

test("requests that come at once go one gap after the other", async () => {
  const { now, wait, waits } = clock();
  const pace = new RateLimiter(10, now, wait);
  await Promise.all([pace.acquire(), pace.acquire(), pace.acquire()]);
  expect(waits).toEqual([100, 200]);
});

test("a pause is not saved up for a burst", async () => {
  const { now, wait, waits, pass } = clock();
  const pace = new RateLimiter(2, now, wait);
  await pace.acquire();
  pass(60_000);
  await pace.acquire();
  await pace.acquire();
  expect(waits).toEqual([500]);
});
