import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readAccountFile, runAccountCommand } from "./list.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-accounts-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, "accounts.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const SECRET = "s3cret-token";
const ann = { user_id: "ann", token: SECRET };
const ben = { userId: "ben", token: "t", fresh: true };

describe("a file of accounts", () => {
  test("is a JSON array, with user_id or userId", () => {
    expect(readAccountFile(file([ann, ben]))).toEqual([
      { userId: "ann", token: SECRET, fresh: false },
      { userId: "ben", token: "t", fresh: true },
    ]);
  });

  test.each([
    ["{\n  x", /accounts\.json, line 2: this is not JSON, from column 3 on; expected/],
    [{ ann }, /not a JSON array/],
    [[], /contains none/],
    [[ann], /contains one/],
    [[ann, { ...ben, userId: "ann" }], /account 2 has the "user_id" of an earlier account/],
    [[ann, { ...ben, token: SECRET }], /account 2 has the "token" of an earlier account/],
    [[ann, { token: SECRET }], /account 2 has no "user_id"/],
    [[ann, { user_id: "ben" }], /account 2 has no "token"/],
    [[ann, { user_id: "ben", token: `${SECRET}\n` }], /account 2 has no "token" of/],
    [[ann, null], /account 2 has no/],
  ])("is rejected if it is %j, and the message contains no token", (content, why) => {
    const read = () => readAccountFile(file(content));
    expect(read).toThrow(why);
    expect(read).not.toThrow(SECRET);
  });

  test("is named in the error if it does not exist", () => {
    expect(() => readAccountFile(join(folder, "none.json"))).toThrow(/none\.json: ENOENT/);
  });
});

describe("a command that prints accounts", () => {
  const lines = (...accounts: unknown[]) => accounts.map((account) => `echo '${JSON.stringify(account)}'`).join("; ");

  test("prints one account per line; empty lines are skipped", async () => {
    const accounts = await runAccountCommand(`${lines(ann)}; echo; ${lines(ben)}`);
    expect(accounts.map(({ userId }) => userId)).toEqual(["ann", "ben"]);
  });

  test("is reported with the last line of its errors if it fails", async () => {
    await expect(runAccountCommand("echo one >&2; echo two >&2; exit 7")).rejects.toThrow(/exit code 7: two$/);
  });

  test("is reported with the number of a wrong line, which is not quoted", async () => {
    const running = runAccountCommand(`${lines(ann)}; echo ${SECRET}`);
    await expect(running).rejects.toThrow(/line 2 of the accounts command is not JSON/);
    await expect(running).rejects.not.toThrow(SECRET);
  });
});
