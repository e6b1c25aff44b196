/** The commands that read the output of `seqsync check`: `merge`, and `report` on reports and histories. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { seqsync } from "../selftest/support/command.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-reports-"));
const path = (name: string) => join(folder, name);
let server: Awaited<ReturnType<typeof startMutant>>;

beforeAll(async () => {
  const mutant = MUTANTS.find(({ breaks }) => breaks === "ACK-MONOTONE");
  if (mutant === undefined) throw new Error("no mutant breaks ACK-MONOTONE");
  server = await startMutant(mutant, { fixtures: true });
  for (const shard of [1, 2]) {
    const outputs = ["--report", `json=${path(`${shard}.json`)}`, "--record", path(`${shard}.jsonl`)];
    await seqsync(["check", server.url, "--only", "ack/old*", "--quiet", "--shard", `${shard}/2`, ...outputs]);
  }
});
afterAll(async () => {
  await server.close(0);
  rmSync(folder, { recursive: true });
});

test("the reports of the parts of a run are merged, and reports of the whole run are written", async () => {
  const merging = ["merge", path("1.json"), path("2.json"), "--report", `json=${path("whole.json")}`];
  const { code, stdout } = await seqsync([...merging, "--report", `junit=${path("whole.xml")}`]);
  const parts = [1, 2].map((shard) => JSON.parse(readFileSync(path(`${shard}.json`), "utf8")));
  const whole = JSON.parse(readFileSync(path("whole.json"), "utf8"));
  expect(whole.cases.length).toBe(parts[0].cases.length + parts[1].cases.length);
  expect(parts.map(({ shard }) => shard)).toEqual(["1/2", "2/2"]);
  expect(whole.shard).toBeUndefined();
  expect(stdout).toMatch(/The server violates at least one MUST/);
  expect(readFileSync(path("whole.xml"), "utf8")).toMatch(/^<\?xml/);
  expect(code).toBe(1);
});

test("a part that is missing or given twice is reported", async () => {
  const missing = await seqsync(["merge", path("1.json"), "--quiet"]);
  expect(missing.stdout).toMatch(/the report of shard 2\/2 is missing/);
  const twice = await seqsync(["merge", path("1.json"), path("1.json")]);
  expect(twice.stderr).toMatch(/is in two of the reports/);
  expect(twice.code).toBe(2);
});

test("a JSON report that is rendered as JSON is the same", async () => {
  const again = ["report", path("1.json"), "--quiet", "--report", `json=${path("again.json")}`];
  const { code } = await seqsync(again);
  expect(JSON.parse(readFileSync(path("again.json"), "utf8"))).toEqual(
    JSON.parse(readFileSync(path("1.json"), "utf8")),
  );
  expect(code).toBe(JSON.parse(readFileSync(path("1.json"), "utf8")).verdict === "OUTCOME_FAIL" ? 1 : 0);
});

test("a recorded history is judged again and reported on", async () => {
  const both = readFileSync(path("1.jsonl"), "utf8") + readFileSync(path("2.jsonl"), "utf8");
  writeFileSync(path("both.jsonl"), both);
  const { code, stdout } = await seqsync(["report", path("both.jsonl"), "--report", `json=${path("judged.json")}`]);
  const judged = JSON.parse(readFileSync(path("judged.json"), "utf8"));
  expect(judged.cases.map(({ id }: { id: string }) => id)).toContain("ack/old-device-does-not-lower");
  expect(judged.implementation).toMatch(/faulty on purpose/);
  expect(stdout).toMatch(/✗ ACK-/);
  expect(code).toBe(1);
});

test("a file of another kind is invalid usage", async () => {
  writeFileSync(path("other.json"), "{}");
  for (const file of ["other.json", "none.json"]) {
    const { code, stderr } = await seqsync(["report", path(file)]);
    expect(stderr).toMatch(file);
    expect(code).toBe(2);
  }
});
