/** `seqsync explore` as a process. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { seqsync } from "../selftest/support/command.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-explore-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the command that it prints reproduces the violation, with the same connection options", async () => {
  const mutant = MUTANTS.find(({ name }) => name === "ack-on-answer");
  if (mutant === undefined) throw new Error("there is no such mutant");
  const server = await startMutant(mutant, { fixtures: true });
  try {
    const flags = ["--connect-timeout", "7", "--header", "x-a: b c", "--timeout-scale", "2"];
    const reports = ["--report", `json=${join(folder, "new/e.json")}`, "--report", `junit=${join(folder, "e.xml")}`];
    const { code, stdout } = await seqsync(["explore", server.url, "--seed", "1", ...flags, ...reports]);
    expect(code).toBe(1);
    const report = JSON.parse(readFileSync(join(folder, "new/e.json"), "utf8"));
    expect(report.implementation).toMatch(/faulty on purpose/);
    expect(report.verdict).toBe("OUTCOME_FAIL");
    expect(report.cases[0].findings[0].requirement).toMatch(/^ACK-/);
    expect(report.cases[0].reproduce).toMatch(/^npx seqsync explore .* --seed \d+ --path [\d:]+$/);
    expect(readFileSync(join(folder, "e.xml"), "utf8")).toMatch(/<failure message="ACK-/);
    const command = / (explore .*)$/m.exec(stdout)?.[1] ?? "";
    expect(command).toContain(`${server.url} --header 'x-a: b c' --connect-timeout 7 --faults heavy`);
    expect(command).toContain(" --timeout-scale 2 ");
    const words = command.replace("'x-a: b c'", "x-a:b").split(" ");
    const repeated = await seqsync(words);
    expect(repeated.code).toBe(1);
    expect(repeated.stdout).toMatch(/^1 programs/m);
  } finally {
    await server.close(0);
  }
});

test("on SIGTERM it prints its results so far", async () => {
  let child: ChildProcess | undefined;
  let requests = 0;
  const server = await startReferenceServer({
    fixtures: true,
    log: () => {
      requests += 1;
      if (requests === 200) child?.kill("SIGTERM");
    },
  });
  try {
    const onStart = (started: ChildProcess) => {
      child = started;
    };
    const report = join(folder, "stopped.json");
    const args = ["explore", server.url, "--runs", "100000", "--report", `json=${report}`];
    const { code, stdout, stderr } = await seqsync(args, { onStart });
    expect(JSON.parse(readFileSync(report, "utf8")).headline).toMatch(
      /^Incomplete run: it was stopped after \d+ programs/,
    );
    expect(stderr).toMatch(/^seqsync: stopping/);
    expect(stdout).toMatch(/^\d+ programs, \d+ operations, seed \d+$/m);
    expect(code).toBe(3);
  } finally {
    await server.close(0);
  }
});
