/** `seqsync check` as a process, against servers that are right, wrong, strange, or not there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { type CommandOptions, type Ended, seqsync } from "../selftest/support/command.js";
import { serve } from "../selftest/support/serve.js";
import { nowhere } from "../selftest/support/tls.js";

const CASE = "ack/old-device-does-not-lower";
const SECRET = "fixture-s3cret-0123456789";
const folder = mkdtempSync(join(tmpdir(), "seqsync-check-"));
const cleanUps: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
let right: string;
let wrong: string;

beforeAll(async () => {
  const fault = MUTANTS.find(({ breaks }) => breaks === "ACK-MONOTONE");
  if (fault === undefined) throw new Error("no fault breaks ACK-MONOTONE");
  const reference = await startReferenceServer({ fixtures: true, fixtureToken: SECRET });
  const faulty = await startMutant(fault, { fixtures: true, fixtureToken: SECRET });
  cleanUps.push(
    () => reference.close(0),
    () => faulty.close(0),
  );
  right = reference.url;
  wrong = faulty.url;
});
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Checks, with the credential for fixtures, and holds what is true of every run: no stack trace, no token. */
async function check(args: string[], options: CommandOptions = {}): Promise<Ended> {
  const env = { SEQSYNC_FIXTURE_TOKEN: SECRET, ...options.env };
  const ended = await seqsync(["check", ...args], { cwd: folder, ...options, env });
  expect(ended.all).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(ended.all).not.toContain(SECRET);
  return ended;
}

const path = (name: string) => join(folder, name);

describe("exit code 0", () => {
  test("if all holds, with the verdict on standard output and progress on the other", async () => {
    const { code, stdout, stderr } = await check([right, "--only", CASE]);
    expect(stdout).toMatch(/^Checking seqsync reference server: 2 cases/);
    expect(stdout).toMatch(/This server keeps every requirement that was checked\.\n2 passed, 0 failed in /);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  test("if the failures are known, which it says", async () => {
    writeFileSync(path("known.txt"), "ACK-MONOTONE: we know\nACK-NO-REDELIVERY: we know\n");
    const { code, stdout } = await check([wrong, "--only", CASE, "--known-failures", path("known.txt")]);
    expect(stdout).toMatch(/This server breaks requirements/);
    expect(stdout).toMatch(/2 of the failed cases are known/);
    expect(code).toBe(0);
  });
});

describe("exit code 1", () => {
  test("if a requirement is broken, which it names and quotes, with a command that shows it again", async () => {
    const { code, stdout } = await check([wrong, "--only", CASE, "--seed", "7"]);
    expect(stdout).toMatch(/✗ ACK-MONOTONE/);
    expect(stdout).toContain(`seqsync check ${wrong} --only ${CASE} --codec proto --seed 7`);
    expect(code).toBe(1);
  });

  test("if a known failure is none any more", async () => {
    writeFileSync(path("stale.txt"), `${CASE}: we thought so\n`);
    const { code, stdout } = await check([right, "--only", CASE, "--known-failures", path("stale.txt")]);
    expect(stdout).toMatch(`${CASE} is listed as a known failure, and passes`);
    expect(code).toBe(1);
  });

  test("after the first failure with --bail, and the rest is open", async () => {
    const { code, stdout } = await check([wrong, "--only", "ack", "--bail", "--concurrency", "1"]);
    expect(stdout).toMatch(/1 failed/);
    expect(stdout).toMatch(/not run: the run stopped after 1 failure/);
    expect(code).toBe(1);
  });

  test("and the list that is written makes the next run pass, reasons and all", async () => {
    const first = await check([wrong, "--only", CASE, "--write-known-failures", path("written.txt")]);
    expect(first.code).toBe(1);
    expect(readFileSync(path("written.txt"), "utf8")).toMatch(new RegExp(`^${CASE}: breaks ACK-`, "m"));
    const second = await check([wrong, "--only", CASE, "--known-failures", path("written.txt")]);
    expect(second.code).toBe(0);
  });
});

describe("exit code 2, one line, and no request", () => {
  test.each([
    [[], /give one target to check: the URL of a server, --reference, or --mutant NAME/],
    [["http://ann:pw@127.0.0.1"], /must not hold a user or a password/],
    [["http://127.0.0.1:1", "--only", "ack/old-device-does-not-lowr"], /did you mean "ack\/old-device-does-not-lower/],
    [["http://127.0.0.1:1", "--ony", "ack"], /unknown option '--ony'\n\(Did you mean --only\?\)/],
    [["http://127.0.0.1:1", "--report", "jsn=x"], /no format "jsn"; did you mean "json"/],
    [["http://127.0.0.1:1", "--cert", "x"], /--cert and --key go together/],
  ])("%j", async (args, why) => {
    const { code, stdout, stderr } = await check(args);
    expect(stderr).toMatch(why);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
    expect(code).toBe(2);
  });
});

describe("exit code 3", () => {
  test("if nobody listens, or the name is not known: with the reason in a line", async () => {
    const refused = await check([await nowhere()]);
    expect(refused.stdout).toMatch(/cannot be reached: connection refused; is the server running/);
    expect(refused.code).toBe(3);
    const unknown = await check(["http://server.invalid"]);
    expect(unknown.stdout).toMatch(/server\.invalid cannot be reached: its name .* \(DNS\)/);
    expect(unknown.code).toBe(3);
  });

  test("if it is no Seq Sync server", async () => {
    const other = await serve((_req, res) => void res.end("<h1>It works!</h1>"));
    cleanUps.push(other.stop);
    const { code, stdout } = await check([other.url]);
    expect(stdout).toMatch(/does not look like a Seq Sync server/);
    expect(stdout).toMatch(/^0 passed/m);
    expect(code).toBe(3);
  });

  test("if there are no accounts, and says how to give them", async () => {
    const { code, stdout } = await check([right, "--only", CASE], { env: { SEQSYNC_FIXTURE_TOKEN: "wrong" } });
    expect(stdout).toMatch(/set SEQSYNC_FIXTURE_TOKEN/);
    expect(code).toBe(3);
  });

  test("if an account's token is refused, which is not the server's fault", async () => {
    const accounts = [
      { user_id: "ann", token: "expired-s3cret" },
      { user_id: "ben", token: "another-s3cret" },
    ];
    writeFileSync(path("accounts.json"), JSON.stringify(accounts));
    const { code, all, stdout } = await check([right, "--only", CASE, "--accounts", path("accounts.json")]);
    expect(stdout).toMatch(/does not accept the token of account 1 of .*accounts\.json/);
    expect(stdout).toMatch(/^0 passed, 0 failed/m);
    expect(all).not.toContain("s3cret");
    expect(code).toBe(3);
  });

  test("if the only case stays open, though it is about no MUST", async () => {
    const { code, stdout } = await check([right, "--only", "watch/heartbeat"]);
    expect(stdout).toMatch(/^0 passed, 0 failed, 2 open/m);
    expect(stdout).not.toMatch(/keeps every requirement/);
    expect(code).toBe(3);
  });

  test("if nobody is there; a list of known failures and an old history are left as they are", async () => {
    writeFileSync(path("kept.txt"), `${CASE}: a reason by hand\n`);
    writeFileSync(path("old.jsonl"), "an old history\n");
    const known = ["--known-failures", path("kept.txt"), "--write-known-failures", path("kept.txt")];
    const { code, stderr } = await check([await nowhere(), ...known, "--record", path("old.jsonl")]);
    expect(stderr).toMatch(/no case was told: .*kept\.txt is left as it is/);
    expect(readFileSync(path("kept.txt"), "utf8")).toBe(`${CASE}: a reason by hand\n`);
    expect(readFileSync(path("old.jsonl"), "utf8")).toBe("an old history\n");
    expect(code).toBe(3);
  });

  test("if nothing that was selected applies to the server", async () => {
    const { code, stdout } = await check([right, "--profile", "DURABLE"]);
    expect(stdout).toMatch(/Nothing that was asked for applies/);
    expect(code).toBe(3);
  });

  test("if a report or a history cannot be written; the verdict is told, and the other report is there", async () => {
    const files = ["--report", "json=/dev/full", "--report", `json=${path("good.json")}`];
    const full = await check([right, "--only", CASE, ...files]);
    expect(full.stderr).toBe("seqsync: cannot write /dev/full: the disk is full\n");
    expect(full.stdout).toMatch(/2 passed, 0 failed/);
    expect(JSON.parse(readFileSync(path("good.json"), "utf8")).verdict).toBe("OUTCOME_PASS");
    expect(full.code).toBe(3);
    const nowhere = await check([right, "--only", CASE, "--record", "/dev/full", "--report", "json=none/r.json"]);
    expect(nowhere.stderr).toMatch(/^seqsync: cannot write none\/r\.json: there is no such folder$/m);
    expect(nowhere.stderr).toMatch(/^seqsync: cannot write \/dev\/full: the disk is full$/m);
    expect(nowhere.stdout).toMatch(/2 passed, 0 failed/);
    expect(nowhere.code).toBe(3);
  });

  test("if the judge is broken: that says nothing about the server", async () => {
    const imports = [fileURLToPath(new URL("../selftest/support/broken-judge.ts", import.meta.url))];
    const { code, stdout } = await check([wrong, "--only", CASE], { imports });
    expect(stdout).toMatch(/the suite itself went wrong; please report this: RangeError: the judge is broken/);
    expect(stdout).toMatch(/says nothing about the server/);
    expect(code).toBe(3);
  });
});

describe("what is told", () => {
  test("is a line for each failure and the verdict, with --quiet", async () => {
    const passed = await check([right, "--only", CASE, "--quiet"]);
    expect(passed.all).toMatch(/^This server keeps every requirement that was checked\.\n2 passed.*\n$/);
    const failed = await check([wrong, "--only", CASE, "--quiet"]);
    expect(failed.stdout).toMatch(/^✗ ACK-/);
    expect(failed.stderr).toBe("");
  });

  test("is each case, with --verbose", async () => {
    const { stderr } = await check([right, "--only", CASE, "--verbose"]);
    expect(stderr).toMatch(new RegExp(`^✓ ${CASE} \\d`, "m"));
    expect(stderr).toMatch(new RegExp(`^✓ ${CASE} \\(json\\) `, "m"));
  });

  test("is coloured only on demand where nobody looks at a terminal", async () => {
    expect((await check([right, "--only", CASE])).all).not.toContain("\u001b");
    expect((await check([right, "--only", CASE], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[32m");
  });

  test("stands below the job on GitHub, too", async () => {
    writeFileSync(path("summary.md"), "before\n");
    await check([wrong, "--only", CASE], { env: { GITHUB_STEP_SUMMARY: path("summary.md") } });
    expect(readFileSync(path("summary.md"), "utf8")).toMatch(/^before\n.*ACK-MONOTONE/s);
  });
});

test("settings come from seqsync.config.json in the folder, and flags win", async () => {
  const cwd = mkdtempSync(join(folder, "settings-"));
  writeFileSync(join(cwd, "seqsync.config.json"), JSON.stringify({ urls: [right], only: [CASE], codec: "json" }));
  expect((await check([], { cwd })).stdout).toMatch(/^1 passed/m);
  expect((await check(["--codec", "proto", "--only", "ack"], { cwd })).stdout).toMatch(/^1\d passed/m);
  expect((await check([wrong], { cwd })).code).toBe(1);
  writeFileSync(join(cwd, "seqsync.config.json"), JSON.stringify({ onyl: [CASE] }));
  const { code, stderr } = await check([], { cwd });
  expect(stderr).toMatch(/no setting "onyl"; did you mean "only"/);
  expect(code).toBe(2);
});
