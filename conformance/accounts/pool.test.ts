import { describe, expect, test } from "vitest";
import { Inconclusive } from "../findings.js";
import { type ListedAccount, poolAccounts } from "./pool.js";
import type { Lease } from "./source.js";

const account = (userId: string, fresh = false): ListedAccount => ({ userId, token: `t-${userId}`, fresh });
const ids = (leases: readonly Lease[]) => leases.map(({ userId }) => userId);

/** Leases, and notes in which order they were had. */
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
  test("lends an account to one case at a time, and again when it is given back", async () => {
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

  test("lets nobody overtake: who wants many is not kept waiting by those who want few", async () => {
    const pool = poolAccounts(
      "list",
      ["a", "b"].map((id) => account(id)),
    );
    const { order, lease } = queue(pool);
    const one = await lease("one", 1);
    const both = lease("both", 2);
    const late = lease("late", 1); // there is an account for it, and it waits all the same
    await Promise.resolve();
    expect(order).toEqual(["one"]);
    pool.release(one);
    pool.release(await both);
    await late;
    expect(order).toEqual(["one", "both", "late"]);
  });

  test("spares new accounts for those who need them, and lends each as new only once", async () => {
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
    const again = await pool.lease({ count: 1 });
    expect(again[0]?.startSeq).toBeUndefined();
  });

  test("tells beforehand what it cannot give", () => {
    const pool = poolAccounts("accounts.json", [account("a"), account("b", true)]);
    expect(pool.description).toBe("accounts.json: 2 accounts");
    expect(pool.unavailableReason({ count: 2 })).toBeUndefined();
    expect(pool.unavailableReason({ count: 3 })).toMatch(/needs 3 accounts, and there are 2/);
    expect(pool.unavailableReason({ count: 1, fresh: true })).toBeUndefined();
    expect(pool.unavailableReason({ count: 2, fresh: true })).toMatch(/"fresh": true/);
    expect(pool.unavailableReason({ count: 1, startSeq: 5 })).toMatch(/FixtureService/);
  });
});
