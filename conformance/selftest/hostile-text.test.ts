import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { viewsOf } from "../run/text-views.js";
import { type CommandResult, seqsync } from "./support/command.js";
import { actingLines, HOSTILE_TEXTS } from "./support/hostile-text.js";
import { hostileTextServer } from "./support/hostile-text-server.js";
import { type Running, serve } from "./support/serve.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-"));
const inFolder = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command. Every line that it prints must be harmless. */
async function run(...args: string[]): Promise<CommandResult> {
  const result = await seqsync(args, { cwd: folder });
  expect(actingLines(result.all)).toEqual([]);
  return result;
}

/** Tokens that a reader of this text could get, however they are written. */
function tokensIn(text: string, tokens: readonly string[]): string[] {
  const views = text.split("\n").flatMap((line) => viewsOf(line).map((view) => view.text));
  const whole = views.join("\n");
  return tokens.filter((token) =>
    [token, Buffer.from(token).toString("base64").slice(0, 40), Buffer.from(token).toString("hex")].some((form) =>
      whole.includes(form.toLowerCase()),
    ),
  );
}

describe("a server with hostile texts in everything that it sends", () => {
  const { listener, tokens } = hostileTextServer();
  let server: Running;
  let checked: CommandResult;
  const FORMATS = ["json", "junit", "tap", "markdown", "html"];
  const WRITTEN = [...FORMATS.map((format) => `report.${format}`), "history.jsonl", "summary.md"];

  beforeAll(async () => {
    server = await serve(listener);
    const reports = FORMATS.flatMap((format) => ["--report", `${format}=report.${format}`]);
    const only = ["--codec", "json", "--only", "errors/*", "--only", "ack/*"];
    checked = await seqsync(["check", server.url, "--verbose", "--record", "history.jsonl", ...only, ...reports], {
      cwd: folder,
      env: { GITHUB_STEP_SUMMARY: inFolder("summary.md") },
    });
  });
  afterAll(() => server.stop());

  test("violates many requirements, and leaks its tokens", () => {
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(/\[token of /);
    expect(tokens.length).toBeGreaterThan(50);
  });

  test("does not act on the terminal, or on a CI system that shows the output or the reports", () => {
    expect(actingLines(checked.all)).toEqual([]);
    for (const file of WRITTEN) expect(actingLines(readFileSync(inFolder(file), "utf8")), file).toEqual([]);
  });

  test("gets no token into the output, the reports and the history", () => {
    expect(tokensIn(checked.all, tokens)).toEqual([]);
    for (const file of WRITTEN) expect(tokensIn(readFileSync(inFolder(file), "utf8"), tokens), file).toEqual([]);
  });

  test("does not act through a history or a report that is read again", async () => {
    expect((await run("judge", "history.jsonl")).code).toBe(1);
    expect((await run("report", "report.json", "--verbose")).code).toBe(1);
    expect((await run("report", "history.jsonl", "--quiet")).code).toBe(1);
  });

  test("does not act through an exploration", async () => {
    const { code, all } = await run("explore", server.url, "--runs", "3", "--seed", "1");
    expect(code).not.toBe(0);
    expect(tokensIn(all, tokens)).toEqual([]);
  });

  test("does not act through a trace, or through doctor", async () => {
    const traced = await run("check", server.url, "--codec", "json", "--only", "ack/worked-example", "--trace");
    expect(traced.stderr).toMatch(/seqsync\.v1\.SeqSyncService\/Send/);
    const examined = await run("doctor", server.url);
    expect(examined.stdout).toMatch(/GetServerInfo/);
    for (const { all } of [traced, examined]) expect(tokensIn(all, tokens)).toEqual([]);
  });
});

describe("hostile texts of other sources are shown as data:", () => {
  const text = HOSTILE_TEXTS.filter((it) => !/[\0\ud800]/.test(it)).join(" ");
  const file = (name: string, content: string) => {
    writeFileSync(inFolder(name), content);
    return name;
  };

  test.each([
    ["a URL", ["check", `http://${text}`]],
    ["a command", [text]],
    ["an option", ["check", `--${text}`]],
    ["a pattern", ["check", "http://127.0.0.1:9", "--only", text]],
    ["a format", ["check", "http://127.0.0.1:9", "--report", `${text}=x`]],
    ["a file name", ["judge", text.slice(0, 60)]],
    ["a history", ["judge", file("bad.jsonl", text)]],
    ["a report", ["report", file("bad.json", `{"format":2,"x${text}":`)]],
    ["known failures", ["check", "http://127.0.0.1:9", "--known-failures", file("known.txt", text)]],
    [
      "accounts",
      ["check", "http://127.0.0.1:9", "--accounts", file("accounts.json", JSON.stringify([{ [text]: text }]))],
    ],
    [
      "a command's error",
      ["check", "http://127.0.0.1:9", "--accounts-command", `cat ${file("error.txt", text)} >&2; exit 1`],
    ],
    ["a setting", ["check", "http://127.0.0.1:9", "--config", file("config.json", JSON.stringify({ [text]: text }))]],
  ])("%s", async (_, args) => {
    const { code, stderr } = await run(...args);
    expect([2, 3]).toContain(code);
    // One line for each error, however many lines the text has.
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  });
});
