/** `seqsync check` as a process, against a conforming server, a mutant, other servers, and no server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { type CommandOptions, type CommandResult, seqsync } from "../selftest/support/command.js";
import { serve } from "../selftest/support/serve.js";
import { nowhere } from "../selftest/support/tls.js";

const CASE = "ack/old-device-does-not-lower";
const SECRET = "fixture-s3cret-0123456789";
const folder = mkdtempSync(join(tmpdir(), "seqsync-check-"));
const cleanUps: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
let conforming: string;
let faulty: string;

beforeAll(async () => {
  const mutant = MUTANTS.find(({ breaks }) => breaks === "ACK-MONOTONE");
  if (mutant === undefined) throw new Error("no mutant breaks ACK-MONOTONE");
  const reference = await startReferenceServer({ fixtures: true, fixtureToken: SECRET });
  const server = await startMutant(mutant, { fixtures: true, fixtureToken: SECRET });
  cleanUps.push(
    () => reference.close(0),
    () => server.close(0),
  );
  conforming = reference.url;
  faulty = server.url;
});
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/**
 * Runs `seqsync check` with the credential for the fixtures, and expects neither a stack trace nor a token in the
 * output.
 */
async function check(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { SEQSYNC_FIXTURE_TOKEN: SECRET, ...options.env };
  const ended = await seqsync(["check", ...args], { cwd: folder, ...options, env });
  expect(ended.all).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(ended.all).not.toContain(SECRET);
  return ended;
}

const path = (name: string) => join(folder, name);

describe("exit code 0", () => {
  test("if every case passes, with the verdict on standard output and nothing on standard error", async () => {
    const { code, stdout, stderr } = await check([conforming, "--only", CASE]);
    expect(stdout).toMatch(/^Checking seqsync reference server: 2 cases/);
    expect(stdout).toMatch(
      /No violation was found in what was checked; \d+ MUSTs were not checked\.\n2 passed, 0 failed in /,
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  test("if the failures are known, with a note", async () => {
    writeFileSync(path("known.txt"), "ACK-MONOTONE: a reason\nACK-NO-REDELIVERY: a reason\n");
    const { code, stdout } = await check([faulty, "--only", CASE, "--known-failures", path("known.txt")]);
    expect(stdout).toMatch(/The server violates at least one MUST/);
    expect(stdout).toMatch(/2 of the failed cases are known failures/);
    expect(code).toBe(0);
  });
});

describe("exit code 1", () => {
  test("if a requirement is violated, with its id and a command that reproduces it", async () => {
    const { code, stdout } = await check([faulty, "--only", CASE, "--seed", "7"]);
    expect(stdout).toMatch(/✗ ACK-MONOTONE/);
    // The path of the suite is quoted if it has a space.
    expect(stdout.replaceAll("'", "")).toContain(`main.ts check ${faulty} --only ${CASE} --codec proto --seed 7`);
    expect(code).toBe(1);
  });

  test("if a known failure no longer fails", async () => {
    writeFileSync(path("stale.txt"), `${CASE}: an old reason\n`);
    const { code, stdout } = await check([conforming, "--only", CASE, "--known-failures", path("stale.txt")]);
    expect(stdout).toMatch(new RegExp(`^1 known failure now .*: ${CASE}$`, "m"));
    expect(code).toBe(1);
  });

  test("after the first failure with --bail; the other cases are inconclusive", async () => {
    const { code, stdout } = await check([faulty, "--only", "ack", "--bail", "--concurrency", "1"]);
    expect(stdout).toMatch(/1 failed/);
    expect(stdout).toMatch(/not run: the run stopped after 1 failure/);
    expect(code).toBe(1);
  });

  test("and the list of --write-known-failures gives exit code 0 in the next run", async () => {
    const first = await check([faulty, "--only", CASE, "--write-known-failures", path("written.txt")]);
    expect(first.code).toBe(1);
    expect(readFileSync(path("written.txt"), "utf8")).toMatch(new RegExp(`^${CASE}: violates ACK-`, "m"));
    const second = await check([faulty, "--only", CASE, "--known-failures", path("written.txt")]);
    expect(second.code).toBe(0);
  });
});

describe("exit code 2, with one line and no request", () => {
  test.each([
    [[], /name one server to check: a URL, --reference, or --mutant NAME/],
    [["localhost:8080"], /"localhost:8080" has no scheme; did you mean http:\/\/localhost:8080\?/],
    [["http://ann:pw@127.0.0.1"], /must not contain a user name or a password/],
    [["http://127.0.0.1:1", "--only", "ack/old-device-does-not-lowr"], /did you mean "ack\/old-device-does-not-lower/],
    [["http://127.0.0.1:1", "--ony", "ack"], /^seqsync: unknown option '--ony'; did you mean "--only"\?$/m],
    [["http://127.0.0.1:1", "--slow"], /^seqsync: --slow was renamed: use --thorough$/m],
    [["http://127.0.0.1:1", "--report", "jsn=x"], /unknown format "jsn"; did you mean "json"/],
    [["http://127.0.0.1:1", "--cert", "x"], /--cert and --key require each other/],
    [
      ["http://127.0.0.1:1", "--report", "json=/dev/null/r.json"],
      /cannot write \/dev\/null\/r\.json: a part of the path/,
    ],
    [["http://127.0.0.1:1", "--record", "/"], /cannot write \/: it is a folder/],
    [["http://127.0.0.1:1", "--record", "-", "--report", "tap=-"], /standard output would be written twice/],
    [["http://127.0.0.1:1", "--known-failures", "/dev/zero"], /\/dev\/zero: the file has more than 16 MiB/],
  ])("%j", async (args, why) => {
    const { code, stdout, stderr } = await check(args);
    expect(stderr).toMatch(why);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n").length).toBe(1);
    expect(code).toBe(2);
  });
});

test("a URL without a command gets the command", async () => {
  const { code, stderr } = await seqsync(["http://ann:pw@127.0.0.1:8080/chat"]);
  expect(stderr).toBe(
    "seqsync: a URL needs a command; did you mean `npx tsx conformance/cli/main.ts check http://127.0.0.1:8080/chat`?\n",
  );
  expect(code).toBe(2);
});

describe("exit code 3", () => {
  test("if nothing listens at the address, or its name cannot be resolved, with the reason in one line", async () => {
    const refused = await check([await nowhere()]);
    expect(refused.stdout).toMatch(/cannot be reached: connection refused; is the server running/);
    expect(refused.code).toBe(3);
    const unknown = await check(["http://server.invalid"]);
    expect(unknown.stdout).toMatch(/server\.invalid cannot be reached: .*host name .*\(DNS\)/);
    expect(unknown.code).toBe(3);
  });

  test("if the target is not a Seq Sync server", async () => {
    const other = await serve((_req, res) => void res.end("<h1>It works!</h1>"));
    cleanUps.push(other.stop);
    const { code, stdout } = await check([other.url]);
    expect(stdout).toMatch(/^http:\S+ does not look like a Seq Sync server.*\n$/);
    expect(code).toBe(3);
  });

  test("if there are no accounts, with the way to provide them", async () => {
    const { code, stdout } = await check([conforming, "--only", CASE], { env: { SEQSYNC_FIXTURE_TOKEN: "wrong" } });
    expect(stdout).toMatch(/^no accounts: the fixtures do not accept the credential in .*SEQSYNC_FIXTURE_TOKEN\n$/);
    expect(code).toBe(3);
  });

  test("if the server rejects the token of an account, without a violation", async () => {
    const accounts = [
      { user_id: "ann", token: "expired-s3cret" },
      { user_id: "ben", token: "another-s3cret" },
    ];
    writeFileSync(path("accounts.json"), JSON.stringify(accounts));
    const { code, all, stdout } = await check([conforming, "--only", CASE, "--accounts", path("accounts.json")]);
    expect(stdout).toMatch(/^no accounts: the server does not accept any of the 2 tokens of .*accounts\.json; .*\n$/);
    expect(all).not.toContain("s3cret");
    expect(code).toBe(3);
  });

  test("if the only case is inconclusive, even if it checks no MUST", async () => {
    const { code, stdout } = await check([conforming, "--only", "watch/heartbeat"]);
    expect(stdout).toMatch(/^0 passed, 0 failed, 2 inconclusive/m);
    expect(stdout).not.toMatch(/meets every requirement/);
    expect(code).toBe(3);
  });

  test("if nothing listens at the address; a list of known failures and an old history are not changed", async () => {
    writeFileSync(path("kept.txt"), `${CASE}: a reason by hand\n`);
    writeFileSync(path("old.jsonl"), "an old history\n");
    const known = ["--known-failures", path("kept.txt"), "--write-known-failures", path("kept.txt")];
    const { code, stderr } = await check([await nowhere(), ...known, "--record", path("old.jsonl")]);
    expect(stderr).toMatch(/no case has a verdict; .*kept\.txt was not changed/);
    expect(readFileSync(path("kept.txt"), "utf8")).toBe(`${CASE}: a reason by hand\n`);
    expect(readFileSync(path("old.jsonl"), "utf8")).toBe("an old history\n");
    expect(code).toBe(3);
  });

  test("if none of the selected cases applies to the server", async () => {
    const { code, stdout } = await check([conforming, "--profile", "DURABLE"]);
    expect(stdout).toMatch(/None of the selected cases applies/);
    expect(code).toBe(3);
  });

  test("if a report or a history cannot be written; the verdict and the other reports are written", async () => {
    const files = ["--report", "json=/dev/full", "--report", `json=${path("good.json")}`];
    const full = await check([conforming, "--only", CASE, ...files]);
    expect(full.stderr).toBe("seqsync: cannot write /dev/full: the disk is full\n");
    expect(full.stdout).toMatch(/2 passed, 0 failed/);
    expect(JSON.parse(readFileSync(path("good.json"), "utf8")).verdict).toBe("OUTCOME_PASS");
    expect(full.code).toBe(3);
    const record = ["--record", "/dev/full", "--report", `json=${path("new/r.json")}`];
    const missing = await check([conforming, "--only", CASE, ...record]);
    expect(missing.stderr).toBe("seqsync: cannot write /dev/full: the disk is full\n");
    expect(missing.stdout).toMatch(/2 passed, 0 failed/);
    expect(JSON.parse(readFileSync(path("new/r.json"), "utf8")).verdict).toBe("OUTCOME_PASS");
    expect(missing.code).toBe(3);
  });

  test("if the judge throws, which gives no verdict on the server", async () => {
    const imports = [fileURLToPath(new URL("../selftest/support/broken-judge.ts", import.meta.url))];
    const { code, stdout } = await check([faulty, "--only", CASE], { imports });
    expect(stdout).toMatch(/error in the suite, not in the server; please report it: RangeError: the judge is broken/);
    expect(stdout).toMatch(/says nothing about the server/);
    expect(code).toBe(3);
  });
});

describe("the output", () => {
  test("with --quiet is one line for each violated requirement, and the verdict", async () => {
    const passed = await check([conforming, "--only", CASE, "--quiet"]);
    expect(passed.all).toMatch(
      /^No violation was found in what was checked; \d+ MUSTs were not checked\.\n2 passed.*\n$/,
    );
    const failed = await check([faulty, "--only", CASE, "--quiet"]);
    expect(failed.stdout).toMatch(/^✗ ACK-/);
    expect(failed.stderr).toBe("");
  });

  test("with --verbose has a line for each case", async () => {
    const { stderr } = await check([conforming, "--only", CASE, "--verbose"]);
    expect(stderr).toMatch(new RegExp(`^✓ ${CASE} \\d`, "m"));
    expect(stderr).toMatch(new RegExp(`^✓ ${CASE} \\(json\\) `, "m"));
  });

  test("has colors only in a terminal, or with FORCE_COLOR", async () => {
    expect((await check([conforming, "--only", CASE])).all).not.toContain("\u001b");
    expect((await check([conforming, "--only", CASE], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[32m");
  });

  test.each(["json", "junit", "tap", "markdown", "html"])(
    "with --report %s=- has the report on standard output, and the text for people on standard error",
    async (format) => {
      const { code, stdout, stderr } = await check([conforming, "--only", CASE, "--report", `${format}=-`]);
      expect(stdout).toMatch(/^(\{|<\?xml|TAP version|## |<!doctype html>)/i);
      expect(stdout).not.toContain("Checking");
      expect(stderr).toMatch(/^Checking .*2 passed, 0 failed/ms);
      expect(stderr).toMatch(/report +standard output$/m);
      expect(code).toBe(0);
    },
  );

  test("with --record - is a history that judge reads from standard input", async () => {
    const { stdout } = await check([conforming, "--only", CASE, "--record", "-"]);
    const judged = await seqsync(["judge", "-"], { input: stdout });
    expect(judged.stdout).toMatch(/^Judging standard input: 2 histories, \d+ events$/m);
    expect(judged.code).toBe(0);
  });

  test("is appended to the job summary of GitHub", async () => {
    writeFileSync(path("summary.md"), "before\n");
    await check([faulty, "--only", CASE], { env: { GITHUB_STEP_SUMMARY: path("summary.md") } });
    expect(readFileSync(path("summary.md"), "utf8")).toMatch(/^before\n.*ACK-MONOTONE/s);
  });
});

test("settings come from seqsync.config.json in the working directory; options override them", async () => {
  const cwd = mkdtempSync(join(folder, "settings-"));
  writeFileSync(join(cwd, "seqsync.config.json"), JSON.stringify({ urls: [conforming], only: [CASE], codec: "json" }));
  expect((await check([], { cwd })).stdout).toMatch(/^2 passed/m);
  expect((await check(["--codec", "proto", "--only", "ack"], { cwd })).stdout).toMatch(/^[23]\d passed/m);
  expect((await check([faulty], { cwd })).code).toBe(1);
  writeFileSync(join(cwd, "seqsync.config.json"), JSON.stringify({ onyl: [CASE] }));
  const { code, stderr } = await check([], { cwd });
  expect(stderr).toMatch(/unknown setting "onyl"; did you mean "only"/);
  expect(code).toBe(2);
});
