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
  test("is a JSON array, in either way to write user_id", () => {
    expect(readAccountFile(file([ann, ben]))).toEqual([
      { userId: "ann", token: SECRET, fresh: false },
      { userId: "ben", token: "t", fresh: true },
    ]);
  });

  test.each([
    ["{", /is not JSON/],
    [{ ann }, /not a JSON array/],
    [[], /there are none/],
    [[ann], /there is 1/],
    [[ann, { ...ben, userId: "ann" }], /account 2 is there twice/],
    [[ann, { ...ben, token: SECRET }], /account 2 has the token of another/],
    [[ann, { token: SECRET }], /account 2 has no "user_id"/],
    [[ann, { user_id: "ben" }], /account 2 has no "token"/],
    [[ann, { user_id: "ben", token: `${SECRET}\n` }], /account 2 has no "token" of/],
    [[ann, null], /account 2 has no/],
  ])("that is %j is refused, and no token is told", (content, why) => {
    const read = () => readAccountFile(file(content));
    expect(read).toThrow(why);
    expect(read).not.toThrow(SECRET);
  });

  test("that is not there is told by its name", () => {
    expect(() => readAccountFile(join(folder, "none.json"))).toThrow(/none\.json: ENOENT/);
  });
});

describe("a command that prints accounts", () => {
  const lines = (...accounts: unknown[]) => accounts.map((it) => `echo '${JSON.stringify(it)}'`).join("; ");

  test("prints one a line, and may print empty lines", async () => {
    const accounts = await runAccountCommand(`${lines(ann)}; echo; ${lines(ben)}`);
    expect(accounts.map(({ userId }) => userId)).toEqual(["ann", "ben"]);
  });

  test("that fails is told with its last words", async () => {
    await expect(runAccountCommand("echo one >&2; echo two >&2; exit 7")).rejects.toThrow(/exit code 7: two$/);
  });

  test("that prints something else is told by the line, which is not shown", async () => {
    const running = runAccountCommand(`${lines(ann)}; echo ${SECRET}`);
    await expect(running).rejects.toThrow(/line 2 of the accounts command is not JSON/);
    await expect(running).rejects.not.toThrow(SECRET);
  });
});
