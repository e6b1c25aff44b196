import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { compileReferenceServer } from "./testing/compiled.js";
import { call, callJson, dial, errorSummary, eventually, head } from "./testing/http.js";

const scratch = mkdtempSync(join(tmpdir(), "seqsync-main-"));
const main = compileReferenceServer(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

/** Starts the command, without the environment of the tests. */
function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const output = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.out += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.err += chunk;
  });
  let ended = false;
  const exit = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once("close", (code) => {
      ended = true;
      resolve({ code, ...output });
    }),
  );
  const listening = new Promise<string>((resolve, reject) => {
    const look = () => {
      const url = /^(?:listening on |\{"listening":")(http:[^\s"]+)/.exec(output.out)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on("data", look);
    child.once("close", () => reject(new Error(`the command ended early: ${output.err}`)));
  });
  listening.catch(() => {});
  return { child, output, exit, listening, ended: () => ended };
}

describe("the server", () => {
  test("serves accounts from the environment and a file, with the given limits, until SIGTERM", async () => {
    const file = join(scratch, "accounts");
    writeFileSync(file, "carol:s3\nurn:user:dave:s4\n");
    const options = ["--port", "0", "--accounts", file, "--max-page-size", "2", "--max-payload-bytes", "4"];
    const limits = ["--max-backlog", "3", "--dedup-window", "90"];
    const { child, listening, exit } = run([...options, ...limits], { SEQSYNC_ACCOUNTS: "alice:s1 bob:s2" });
    const url = await listening;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await callJson(url, "GetServerInfo", {}, { as: "" })).json).toMatchObject({
      maxPageSize: 2,
      maxPayloadBytes: 4,
      dedupWindow: "90s",
    });
    for (const nr of [1, 2, 3]) {
      const sent = await callJson(
        url,
        "Send",
        { recipientId: "urn:user:dave", clientMessageId: `m-${nr}` },
        { as: "s3" },
      );
      expect(sent.status).toBe(200);
    }
    const body = '{"recipientId":"urn:user:dave","clientMessageId":"m-4"}';
    const full = await call(url, "Send", { as: "s2", type: "application/json", body });
    expect(errorSummary(full)).toBe("429 resource_exhausted BACKLOG_FULL");
    expect((await callJson(url, "Sync", {}, { as: "s4" })).json).toMatchObject({ svrSeq: 3, nextCliSeq: 2 });
    // Fixtures are off by default.
    expect((await call(url, "/seqsync.conformance.v1.FixtureService/CreateAccount")).status).toBe(404);

    child.kill("SIGTERM");
    expect(await exit).toEqual({ code: 0, out: `listening on ${url}\n`, err: "" });
  });

  test("ends an open Watch with an end-of-stream message when it is stopped", async () => {
    const { child, listening, exit } = run(["--port", "0"], { SEQSYNC_ACCOUNTS: "bob:bob" });
    const line = await dial(await listening);
    line.write(`${head("Watch", { "Content-Type": "application/connect+json", "Content-Length": 7 })}\0\0\0\0\x02{}`);
    await line.until(/epoch/);
    child.kill("SIGINT");
    expect(await line.closed()).toMatch(/"code":"unavailable"[\s\S]*\r\n0\r\n\r\n$/);
    expect((await exit).code).toBe(0);
  });

  test("serves fixtures on loopback, and on other addresses with a token", async () => {
    const open = run(["--port", "0", "--fixtures"]);
    const path = "/seqsync.conformance.v1.FixtureService/CreateAccount";
    expect((await call(await open.listening, path, { as: "" })).status).toBe(200);

    const guarded = run(["--port", "0", "--fixtures", "--host", "0.0.0.0"], { SEQSYNC_FIXTURE_TOKEN: "fixture-token" });
    const url = (await guarded.listening).replace("0.0.0.0", "127.0.0.1");
    expect(errorSummary(await call(url, path, { as: "" }))).toMatch(/^401 /);
    expect((await call(url, path, { as: "fixture-token" })).status).toBe(200);
  });

  test("prints a hint if it has no accounts", async () => {
    const { listening, output } = run(["--port", "0"]);
    await listening;
    await eventually(() => output.err !== "", "the hint on standard error");
    expect(output.err).toMatch(/^the server has no accounts: .*SEQSYNC_ACCOUNTS.*--fixtures.*\n$/);
  });

  test("logs each response as a line of JSON, without secrets", async () => {
    const { child, listening, exit } = run(["--port", "0", "--json-logs"], {
      SEQSYNC_ACCOUNTS: "alice:SECRET1 bob:SECRET2",
    });
    const url = await listening;
    const message = { recipientId: "bob", clientMessageId: "SECRET-ID", payload: "U0VDUkVU" };
    await callJson(url, "Send?SECRET", message, { as: "SECRET1" });
    await callJson(url, "Sync", {}, { as: "SECRET3" });
    await callJson(url, "Sync", '{"SECRET"', { as: "SECRET2" });
    child.kill("SIGTERM");
    const { out, err, code } = await exit;
    const [first, ...lines] = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toEqual({ listening: url });
    expect(lines.map(({ status, reason }) => [status, reason])).toEqual([
      [200, ""],
      [401, "CREDENTIAL_INVALID"],
      [400, "MALFORMED"],
    ]);
    for (const line of lines) expect(line).toMatchObject({ time: expect.any(String), micros: expect.any(Number) });
    expect(out + err).not.toMatch(/SECRET|U0VDUkVU/);
    expect(code).toBe(0);
  });
});

describe("exits with code 2 and a helpful line", () => {
  test.each([
    ["an unknown option", ["--prot", "1"], /unknown option '--prot'\n\(Did you mean --port\?\)\n$/],
    ["a port that is not a number", ["--port", "http"], /whole number from 0 to 65535/],
    ["a port out of range", ["--port", "65536"], /whole number from 0 to 65535/],
    ["a page size of 0", ["--max-page-size", "0"], /whole number from 1 to 100000/],
    [
      "fixtures for every client",
      ["--fixtures", "--host", "0.0.0.0"],
      /--fixtures on 0\.0\.0\.0 .* SEQSYNC_FIXTURE_TOKEN/,
    ],
    [
      "an address of another machine",
      ["--host", "192.0.2.1", "--port", "0"],
      /cannot listen on 192\.0\.2\.1 port 0: EADDRNOTAVAIL/,
    ],
    ["a missing file", ["--accounts", "/nonexistent"], /cannot read --accounts \/nonexistent: ENOENT/],
  ])("%s", async (_, args, message) => {
    const { code, out, err } = await run(args).exit;
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ {4}at /m);
    expect(err.trim().split("\n").length).toBeLessThanOrEqual(2);
    expect([code, out]).toEqual([2, ""]);
  });

  test.each([
    ["no token", "alice", /entry 1: expected user:token/],
    ["an empty user id", "a:SECRET :SECRET", /entry 2: expected user:token/],
    ["a user id of 129 bytes", `${"u".repeat(129)}:SECRET`, /entry 1: expected user:token/],
    ["a duplicate user", "alice:SECRET alice:SECRET2", /entry 2: duplicate account alice/],
    ["a duplicate token", "alice:SECRET bob:SECRET", /entry 2: another account has this token/],
  ])("accounts with %s, without showing the token", async (_, accounts, message) => {
    const { code, out, err } = await run(["--port", "0"], { SEQSYNC_ACCOUNTS: accounts }).exit;
    expect(err).toMatch(message);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(out + err).not.toContain("SECRET");
    expect(code).toBe(2);
  });
});
