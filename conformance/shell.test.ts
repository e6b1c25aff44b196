import { expect, test } from "vitest";
import { quoted, runShell, ShellError } from "./shell.js";

const run = (command: string, timeoutMs = 10_000) => runShell(command, { name: "the command", timeoutMs });

test("a command that succeeds resolves with its standard output", async () => {
  expect(await run("echo one && echo two >&2")).toBe("one\n");
});

test.each([
  ["echo one >&2; echo two >&2; exit 7", /^the command ended with exit code 7: two$/],
  ["exit 1", /^the command ended with exit code 1$/],
  ["kill -9 $$", /^the command was ended by SIGKILL$/],
  ["yes", /^the command printed more than 16 MiB$/],
])("%s fails with the way it ended and the last line of standard error", async (command, message) => {
  await expect(run(command)).rejects.toThrow(message);
  await expect(run(command)).rejects.toThrow(ShellError);
});

test("a command that exceeds the timeout is killed", async () => {
  await expect(run("sleep 60", 50)).rejects.toThrow(/^the command did not end within 0\.05 s$/);
});

test("a word is quoted only if the shell would change it", () => {
  expect(["ack/*", "a b", "it's", "", "http://a:1/b", "k=v"].map(quoted)).toEqual([
    "'ack/*'",
    "'a b'",
    `'it'\\''s'`,
    "''",
    "http://a:1/b",
    "k=v",
  ]);
});
