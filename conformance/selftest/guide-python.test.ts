import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { run } from "../run/run.js";

const SERVER = join(import.meta.dirname, "../../docs/guides/python/server.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("python3 is not there: the guide's server in Python is not checked");

/** Starts the server as a reader of the guide does, at a free port. */
async function startPython(): Promise<{ url: string; child: ChildProcess }> {
  const env = { ...process.env, PORT: "0", FIXTURES: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", [SERVER], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url !== undefined) return { url, child };
  }
  throw new Error("the server ended without saying where it listens");
}

describe.skipIf(!hasPython)("a server in Python's standard library, written from the specification alone", () => {
  it("passes wholly, and ends in order", async () => {
    const { url, child } = await startPython();
    const ended = once(child, "exit");
    try {
      const report = await run({ urls: [url], seed: 1 });
      const failed = report.cases.filter(
        ({ outcome }) => outcome !== Outcome.PASS && outcome !== Outcome.NOT_APPLICABLE,
      );
      // Only what takes long by its nature is left out.
      expect(
        failed.flatMap(({ id, reason, findings }) => (/--slow/.test(reason) ? [] : [id, reason, ...findings])),
      ).toEqual([]);
      expect(report.counts?.pass).toBeGreaterThan(250);
      expect(report.implementation).toMatch(/python/);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  }, 180_000);
});
