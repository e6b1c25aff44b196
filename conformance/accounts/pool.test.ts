import { describe, expect, test } from "vitest";
import { Inconclusive } from "../findings.js";
import { type Account, poolAccounts } from "./pool.js";
import type { Lease } from "./source.js";

const account = (userId: string, fresh = false): Account => ({ userId, token: `t-${userId}`, fresh });
const ids = (leases: readonly Lease[]) => leases.map(({ userId }) => userId);

/** Leases accounts, and records the order in which the leases were granted. */
function queue(pool: ReturnType<typeof poolAccounts>) {
  const order: string[] = [];
  const lease = async (name: string, count: number, fresh = false) => {
    const leases = await pool.lease({ count, fresh });
    order.push(name);
    return leases;
  };
  return { order, lease };
}

describe("a pool of accounts", () => {
  test("leases an account to one case at a time, and again after its release", async () => {
    const pool = poolAccounts(
      "list",
      ["a", "b"].map((id) => account(id)),
    );
    const { order, lease } = queue(pool);
    const first = await lease("first", 2);
    const second = lease("second", 1);
    const third = lease("third", 1);
    await Promise.resolve();
    expect(order).toEqual(["first"]);
    pool.release(first);
    expect([...ids(await second), ...ids(await third)].sort()).toEqual(["a", "b"]);
    expect(order).toEqual(["first", "second", "third"]);
  });

  test("serves cases in order: one that needs many accounts is not overtaken by those that need few", async () => {
    const pool = poolAccounts(
      "list",
      ["a", "b"].map((id) => account(id)),
    );
    const { order, lease } = queue(pool);
    const one = await lease("one", 1);
    const both = lease("both", 2);
    const late = lease("late", 1); // It waits, although an account is free.
    await Promise.resolve();
    expect(order).toEqual(["one"]);
    pool.release(one);
    pool.release(await both);
    await late;
    expect(order).toEqual(["one", "both", "late"]);
  });

  test("saves new accounts for the cases that need them, and leases each as new only once", async () => {
    const pool = poolAccounts("list", [account("new1", true), account("old"), account("new2", true)]);
    const plain = await pool.lease({ count: 1 });
    expect(plain).toEqual([{ userId: "old", token: "t-old", fresh: false, startSeq: undefined }]);
    const fresh = await pool.lease({ count: 2, fresh: true });
    expect(fresh.map(({ userId, startSeq }) => [userId, startSeq])).toEqual([
      ["new1", 0],
      ["new2", 0],
    ]);
    pool.release(fresh);
    await expect(pool.lease({ count: 1, fresh: true })).rejects.toThrow(Inconclusive);
    const later = await pool.lease({ count: 1 });
    expect(later[0]?.startSeq).toBeUndefined();
  });

  test("reports in advance which requests it cannot fulfil", () => {
    const pool = poolAccounts("accounts.json", [account("a"), account("b", true)]);
    expect(pool.description).toBe("accounts.json: 2 accounts");
    expect(pool.unavailableReason({ count: 2 })).toBeUndefined();
    expect(pool.unavailableReason({ count: 3 })).toMatch(/needs 3 accounts, and the list has 2/);
    expect(pool.unavailableReason({ count: 1, fresh: true })).toBeUndefined();
    expect(pool.unavailableReason({ count: 2, fresh: true })).toMatch(/"fresh": true/);
    expect(pool.unavailableReason({ count: 1, startSeq: 5 })).toMatch(/FixtureService/);
  });
});
