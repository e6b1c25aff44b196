import { expect, test, vi } from "vitest";
import { retry } from "./retry.js";

test("an attempt is repeated for as long as there is a delay, and its last result returned", async () => {
  const attempt = vi.fn(async (retries: number) => `attempt ${retries + 1}`);
  const results: [string, number][] = [];
  const last = await retry(attempt, (result, retries) => {
    results.push([result, retries]);
    return [1, 1][retries];
  });
  expect(last).toBe("attempt 3");
  expect(results).toEqual([
    ["attempt 1", 0],
    ["attempt 2", 1],
    ["attempt 3", 2],
  ]);
});

test("an attempt that rejects is not repeated", async () => {
  const attempt = vi.fn(() => Promise.reject(new Error("broken")));
  await expect(retry(attempt, () => 1)).rejects.toThrow("broken");
  expect(attempt).toHaveBeenCalledOnce();
});
