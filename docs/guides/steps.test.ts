/** The table of "Build a server": after each step the chapters that it names are green, and they were not before. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { chapterOf } from "../../conformance/cases/catalogue.js";
import { run } from "../../conformance/run/run.js";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";

const PROGRAM = join(import.meta.dirname, "../testing/python_steps.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("python3 is not there: the steps of the guide are not checked");

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Plays cases against the server as far as a step has come. Answers the chapters of which none fails and one passes at least. */
async function green(step: number, chapters: readonly string[], codecs?: readonly ["json"]): Promise<string[]> {
  const env = { ...process.env, PORT: "0", FIXTURES: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", [PROGRAM, String(step)], { env, stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url === undefined) continue;
    const select = (it: { id: string }) => chapters.includes(chapterOf(it));
    const { cases } = await run({ urls: [url], seed: 1, select, ...(codecs === undefined ? {} : { codecs }) });
    return chapters.filter((chapter) => {
      const own = cases.filter((it) => chapterOf(it) === chapter && !/--slow/.test(it.reason));
      const outcomes = own.map(({ outcome }) => outcome);
      return (
        outcomes.includes(Outcome.PASS) && outcomes.every((it) => it === Outcome.PASS || it === Outcome.NOT_APPLICABLE)
      );
    });
  }
  throw new Error("the server ended without saying where it listens");
}

/** Number of the step, and the chapters that the guide's table names. */
const table = [
  ...readFileSync(join(import.meta.dirname, "build-a-server.md"), "utf8").matchAll(
    /^\| (\d) \| [^|]+ \| ([^|]+) \|$/gm,
  ),
].map(([, step, named]) => [Number(step), [...`${named}`.matchAll(/`(\w+)`/g)].map(([, name]) => `${name}`)] as const);
const rows = table.filter(([step]) => [2, 3, 4, 6].includes(step));

describe.skipIf(!hasPython)("build a server, step by step", () => {
  test("the table has six steps", () => expect(table.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6]));

  test.each(rows)(
    "step %i turns %j green",
    async (step, chapters) => {
      expect(await green(step - 1, chapters)).toEqual([]);
      expect(await green(step, chapters)).toEqual(chapters);
    },
    180_000,
  );

  test("step 5 serves JSON", async () => {
    expect(await green(4, ["devices"], ["json"])).toEqual([]);
    expect(await green(5, ["devices", "http"], ["json"])).toEqual(["dev", "http"]);
  }, 180_000);
});
