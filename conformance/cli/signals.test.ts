/** `seqsync check` when it is asked to end in the middle of a run, or is killed. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { type CommandResult, seqsync } from "../selftest/support/command.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-signals-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

/**
 * Runs `seqsync check` with a report and a recording against the reference server, and sends the signals, one at each
 * request from the 1000th on, when cases run.
 */
async function interrupted(name: string, ...signals: NodeJS.Signals[]): Promise<CommandResult> {
  let child: ChildProcess | undefined;
  let requests = 0;
  const pending = [...signals];
  const server = await startReferenceServer({
    fixtures: true,
    log: () => {
      requests += 1;
      const signal = requests < 1000 ? undefined : pending.shift();
      if (signal !== undefined) child?.kill(signal);
    },
  });
  try {
    const outputs = ["--report", `json=${path(`${name}.json`)}`, "--record", path(`${name}.jsonl`)];
    return await seqsync(["check", server.url, "--only", "ack", "--only", "page", "--concurrency", "4", ...outputs], {
      onStart: (started) => {
        child = started;
      },
    });
  } finally {
    await server.close(0);
  }
}

/** Judges a recording, which must be whole. */
async function judged(name: string): Promise<string> {
  const { code, stdout } = await seqsync(["judge", path(`${name}.jsonl`)]);
  expect(stdout).toMatch(/^Judging .*: \d+ histor(y|ies), \d+ events$/m);
  expect(stdout).not.toMatch(/damaged/);
  expect(code).toBe(0);
  return stdout;
}

describe("the first signal", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s: what was seen so far is written", async (signal) => {
    const { code, stdout, stderr } = await interrupted(signal, signal);
    expect(stderr).toMatch(/^seqsync: stopping; interrupt again to exit at once$/m);
    expect(stdout).toMatch(/^Incomplete run: it was stopped before \d+ of \d+ cases had ended\.$/m);
    const report = JSON.parse(readFileSync(path(`${signal}.json`), "utf8"));
    expect(report.headline).toMatch(/^Incomplete run/);
    expect(report.verdict).toBe("OUTCOME_INCONCLUSIVE");
    expect(report.counts.pass).toBeGreaterThan(0);
    expect(code).toBe(3);
    await judged(signal);
  });
});

test("a recording grows as the run goes: what SIGKILL leaves can be judged", async () => {
  const { code } = await interrupted("killed", "SIGKILL");
  expect(code).toBe(null);
  await judged("killed");
});
