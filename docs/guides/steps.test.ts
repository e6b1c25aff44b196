/** Checks the table of "Build a server": after each step the listed chapters pass, and they did not before. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { chapterOf } from "../../conformance/cases/catalogue.js";
import { check } from "../../conformance/run/check.js";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";

const PROGRAM = join(import.meta.dirname, "../testing/python_steps.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("no python3: the steps of the guide are not tested");

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Runs chapters against the server after a step. Returns the chapters in which a case passes and none fails. */
async function passing(step: number, chapters: readonly string[], codecs?: readonly ["json"]): Promise<string[]> {
  const env = { ...process.env, PORT: "0", FIXTURES: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", [PROGRAM, String(step)], { env, stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url === undefined) continue;
    const select = (it: { id: string }) => chapters.includes(chapterOf(it));
    const { cases } = await check({ urls: [url], seed: 1, select, ...(codecs === undefined ? {} : { codecs }) });
    return chapters.filter((chapter) => {
      const own = cases.filter((it) => chapterOf(it) === chapter && !/--thorough/.test(it.reason));
      const outcomes = own.map(({ outcome }) => outcome);
      return (
        outcomes.includes(Outcome.PASS) && outcomes.every((it) => it === Outcome.PASS || it === Outcome.NOT_APPLICABLE)
      );
    });
  }
  throw new Error("the server exited without printing its URL");
}

/** Numbers of the steps with the chapters in the guide's table. */
const table = [
  ...readFileSync(join(import.meta.dirname, "build-a-server.md"), "utf8").matchAll(
    /^\| (\d) \| [^|]+ \| ([^|]+) \|$/gm,
  ),
].map(([, step, named]) => [Number(step), [...`${named}`.matchAll(/`(\w+)`/g)].map(([, name]) => `${name}`)] as const);
const rows = table.filter(([step]) => [2, 3, 4, 6].includes(step));

describe.skipIf(!hasPython)("build a server, step by step", () => {
  test("the table has six steps", () => expect(table.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6]));

  test.each(rows)(
    "after step %i, %j pass",
    async (step, chapters) => {
      expect(await passing(step - 1, chapters)).toEqual([]);
      expect(await passing(step, chapters)).toEqual(chapters);
    },
    180_000,
  );

  test("step 5 serves JSON", async () => {
    expect(await passing(4, ["devices"], ["json"])).toEqual([]);
    expect(await passing(5, ["devices", "http"], ["json"])).toEqual(["devices", "http"]);
  }, 180_000);
});
