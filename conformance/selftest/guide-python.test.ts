import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { Outcome, ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { check } from "../run/check.js";

const SERVER = join(import.meta.dirname, "../../docs/guides/python/server.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("python3 is not installed: the server of the Python guide is not checked");

/** Starts the server as the guide describes, on a free port. */
async function startPython(): Promise<{ url: string; child: ChildProcess }> {
  const env = { ...process.env, PORT: "0", FIXTURES: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", [SERVER], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url !== undefined) return { url, child };
  }
  throw new Error("the server exited without printing its URL");
}

describe.skipIf(!hasPython)("the server of the Python guide", () => {
  it("passes every case, and exits cleanly", async () => {
    const { url, child } = await startPython();
    const ended = once(child, "exit");
    try {
      const report = await check({ urls: [url], seed: 1 });
      const failed = report.cases.filter(
        ({ outcome }) => outcome !== Outcome.PASS && outcome !== Outcome.NOT_APPLICABLE,
      );
      // Thorough cases did not run.
      expect(
        failed.flatMap(({ id, reason, reasonCode, findings }) =>
          reasonCode === ReasonCode.THOROUGH ? [] : [id, reason, ...findings],
        ),
      ).toEqual([]);
      expect(report.counts?.pass).toBeGreaterThan(250);
      expect(report.implementation).toMatch(/python/);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  }, 180_000);
});
