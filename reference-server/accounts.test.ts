import { describe, expect, test } from "vitest";
import { Accounts, newToken } from "./accounts.js";
import { Inbox } from "./inbox.js";
import { refused } from "./testing/refusals.js";

const inbox = () => new Inbox("e1", 0, { maxBacklog: 1, maxPageSize: 1, maxPageBytes: 1 });

function accounts(...users: [userId: string, token: string][]): Accounts {
  const all = new Accounts(3);
  for (const [userId, token] of users) all.add(userId, token, inbox());
  return all;
}

describe("authenticate", () => {
  const known = accounts(["alice", "secret-a"], ["bob", "secret-b"], ["longy", "t".repeat(4096)]);

  test.each([
    ["Bearer secret-a", "alice"],
    ["bearer secret-a", "alice"],
    ["BEARER   secret-b", "bob"],
    [`Bearer ${"t".repeat(4096)}`, "longy"],
  ])("%.20s is %s", (header, userId) => {
    expect(known.authenticate(header).account.userId).toBe(userId);
  });

  test.each([
    ["no header", undefined],
    ["an empty header", ""],
    ["a scheme alone", "Bearer"],
    ["a scheme and a space", "Bearer "],
    ["a token without a scheme", "secret-a"],
    ["another scheme", "Basic secret-a"],
    ["an unknown token", "Bearer secret-c"],
    ["another case of the token", "Bearer Secret-a"],
    ["a prefix of a token", "Bearer secret-"],
    ["a token and more text", "Bearer secret-a secret-b"],
    ["two headers in one", "Bearer secret-a, Bearer secret-a"],
    ["a control character", "Bearer secret-a\n"],
    ["a user id", "Bearer alice"],
    ["a property of every object", "Bearer __proto__"],
    ["a token of 4097 bytes", `Bearer ${"t".repeat(4097)}`],
  ])("%s is refused", (_, header) => {
    expect(refused(() => known.authenticate(header))).toBe("unauthenticated CREDENTIAL_INVALID");
  });
});

describe("revoke", () => {
  test("revokes one token and keeps the account and the other tokens", () => {
    const known = accounts(["alice", "secret-a"], ["bob", "secret-b"]);
    expect(known.revoke("secret-a")).toBe(true);
    expect(refused(() => known.authenticate("Bearer secret-a"))).toBe("unauthenticated CREDENTIAL_INVALID");
    expect(known.authenticate("Bearer secret-b").account.userId).toBe("bob");
    expect(known.get("alice")?.userId).toBe("alice");
    expect(known.revoke("secret-a")).toBe(false);
  });

  test("ends only the Watches of that token", () => {
    const known = accounts(["alice", "secret-a"]);
    const { account, tokenHash } = known.authenticate("Bearer secret-a");
    const ended: string[] = [];
    for (const hash of [tokenHash, "another device's"]) {
      account.watchers.add({ tokenHash: hash, changed: () => ended.push("changed"), revoked: () => ended.push(hash) });
    }
    known.revoke("secret-a");
    expect(ended).toEqual([tokenHash]);
  });
});

describe("add", () => {
  test("refuses a user id that exists, and keeps the first account", () => {
    const known = accounts(["alice", "secret-a"]);
    expect(refused(() => known.add("alice", "secret-x", inbox()))).toBe("already_exists");
    expect(refused(() => known.authenticate("Bearer secret-x"))).toBe("unauthenticated CREDENTIAL_INVALID");
    expect(known.authenticate("Bearer secret-a").account.userId).toBe("alice");
  });

  test("refuses a token of another account, and keeps that account", () => {
    const known = accounts(["alice", "secret-a"]);
    expect(refused(() => known.add("bob", "secret-a", inbox()))).toBe("already_exists");
    expect(known.authenticate("Bearer secret-a").account.userId).toBe("alice");
    expect(known.get("bob")).toBeUndefined();
  });

  test("refuses more than the maximum number of accounts", () => {
    const known = accounts(["a", "1"], ["b", "2"], ["c", "3"]);
    expect(refused(() => known.add("d", "4", inbox()))).toBe("resource_exhausted");
    expect(known.get("d")).toBeUndefined();
  });
});

test("a new token has at least 128 random bits, in characters that a header allows", () => {
  const tokens = new Set(Array.from({ length: 1000 }, newToken));
  expect(tokens.size).toBe(1000);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{22,}$/);
});
