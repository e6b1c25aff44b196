import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { poolAccounts } from "../accounts/pool.js";
import { type RunOptions, run } from "../run/run.js";
import { type Answer, EMPTY_ANSWERS, halfNull, NULL_SERVERS } from "./null-servers.js";

/** The promise to a user who has mistyped a URL, in milliseconds. */
const PATIENCE_MS = 30_000;

const passed = ({ cases }: Report) => cases.filter(({ outcome }) => outcome === Outcome.PASS).map(({ id }) => id);

describe.concurrent("a server that is none", () => {
  it.each(NULL_SERVERS.map((it) => [it.name, it] as const))(
    "%s: no case passes, and one line says why",
    async (_, it) => {
      const server = await it.start();
      try {
        const report = await run({ urls: [server.url] });
        expect(passed(report)).toEqual([]);
        expect(report.cases.length).toBeGreaterThan(100);
        expect(report.verdict).toBe(Outcome.INCONCLUSIVE);
        expect(report.headline).toMatch(it.says);
        expect(report.headline).not.toMatch(/\n/);
        expect(Number(report.duration?.seconds) * 1000).toBeLessThan(PATIENCE_MS);
      } finally {
        await server.stop();
      }
    },
  );
});

// One after the other: the servers live in this process, and must be there to accept.
describe("as a process", () => {
  it.each(["404", "HTML", "a connection closed at once", "nothing listens", "a TLS port spoken to in plain text"])(
    "%s: exit code 3, one line, no stack trace",
    async (name) => {
      const it = NULL_SERVERS.find((server) => server.name === name);
      const server = await it?.start();
      const { code, stdout, stderr } = await check(server?.url ?? "").finally(() => server?.stop());
      // Long lines are folded.
      const [verdict, summary, ...rest] = stdout
        .trim()
        .replace(/\n(?!\d+ passed)/g, " ")
        .split("\n");
      expect({ code, stderr, rest }).toEqual({ code: 3, stderr: "", rest: [] });
      expect(verdict).toMatch(it?.says ?? /never/);
      expect(summary).toMatch(/^0 passed, 0 failed/);
    },
  );
});

describe.concurrent("a server that introduces itself and then says nothing", { timeout: 180_000 }, () => {
  /**
   * What may pass: cases that need nothing but the introduction, which is right here; and one on the media type of answers, which
   * an empty message of the right type keeps.
   */
  const KEPT = /^(info\/|http\/answer-type)/;
  const RACES = /^explore\//;
  const answers = Object.entries(EMPTY_ANSWERS);
  const wrongly = (report: Report) => passed(report).filter((id) => !KEPT.test(id));

  it.each(answers)("%s: without accounts nothing passes that needs them", async (_, answer) => {
    const report = await checked(answer);
    expect(report.headline).toBe("");
    expect(wrongly(report)).toEqual([]);
    expect(report.verdict).not.toBe(Outcome.PASS);
  });

  it.each(answers)("%s: with accounts it fails, and nothing else passes", async (_, answer) => {
    const report = await checked(answer, { ...givenAccounts(), select: ({ id }) => !RACES.test(id) });
    expect(wrongly(report)).toEqual([]);
    expect(report.verdict).toBe(Outcome.FAIL);
  });

  it.each(answers.filter(([name]) => /^(200 \{\}|500|401|an echo)$/.test(name)))(
    "%s: exploration notices too",
    async (_, answer) => {
      const report = await checked(answer, { ...givenAccounts(), select: ({ id }) => RACES.test(id) });
      expect(wrongly(report)).toEqual([]);
    },
  );
});

/** More new accounts than the cases can use up, so that none has to be brought up to date first. */
function givenAccounts(): Pick<RunOptions, "accounts"> {
  const accounts = Array.from({ length: 6000 }, (_, n) => ({ userId: `u-${n}`, token: `t-${n}`, fresh: true }));
  return { accounts: async () => poolAccounts("a list", accounts) };
}

async function checked(answer: Answer, options: Partial<RunOptions> = {}): Promise<Report> {
  const server = await halfNull(answer);
  try {
    return await run({ urls: [server.url], ...options });
  } finally {
    await server.stop();
  }
}

/** `seqsync check URL`, as a user runs it. */
function check(url: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, "../cli/main.ts");
  const child = spawn(process.execPath, ["--import", "tsx", main, "check", url], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
