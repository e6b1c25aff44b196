import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { printable } from "./printable.js";
import { quoted, runShell, ShellError, singleQuoted } from "./shell.js";

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

test("a command ends although a process in the background has its output open, and may go on writing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-shell-"));
  const file = join(folder, "alive");
  try {
    const waits = `until [ -e '${file}' ]; do sleep 0.01; done; echo written && echo done > '${file}'`;
    expect(await run(`(${waits}) & echo started`)).toBe("started\n");
    writeFileSync(file, "");
    await expect.poll(() => readFileSync(file, "utf8"), { timeout: 5000 }).toBe("done\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("all that a command printed before its end is returned", async () => {
  const lines = await run("sleep 1 & seq 20000");
  expect(lines.trim().split("\n")).toHaveLength(20_000);
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

test.each([
  "it's",
  "a\nb\n",
  "\u001b[31m\\'",
  "##vso[a]'",
  "section_start:1:a",
  "é\u202e\u2028漢",
  "'\u0001'",
  "$(x) `y` \\n",
])("%j is quoted on one line, and a shell reads it as it was", (text) => {
  const word = singleQuoted(text);
  expect(printable(word)).toBe(word);
  expect(execFileSync("bash", ["-c", `printf %s ${word}`], { encoding: "utf8" })).toBe(text);
});
