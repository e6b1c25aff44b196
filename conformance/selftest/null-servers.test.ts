import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { poolAccounts } from "../accounts/pool.js";
import { check } from "../run/check.js";
import type { CheckOptions } from "../run/check-options.js";
import { EMPTY_RESPONSES, halfNull, NULL_SERVERS, type Responder } from "./null-servers.js";

/** Maximum time in which a run against a wrong URL must end, in milliseconds. */
const MAX_RUN_MS = 30_000;

const passed = ({ cases }: Report) => cases.filter(({ outcome }) => outcome === Outcome.PASS).map(({ id }) => id);

describe.concurrent("a target that is not a Seq Sync server", () => {
  it.each(NULL_SERVERS.map((it) => [it.name, it] as const))(
    "%s: no case passes, and the headline says why in one line",
    async (_, target) => {
      const server = await target.start();
      try {
        const report = await check({ urls: [server.url] });
        expect(passed(report)).toEqual([]);
        expect(report.cases.length).toBeGreaterThan(100);
        expect(report.verdict).toBe(Outcome.INCONCLUSIVE);
        expect(report.headline).toMatch(target.headline);
        expect(report.headline).not.toMatch(/\n/);
        expect(Number(report.duration?.seconds) * 1000).toBeLessThan(MAX_RUN_MS);
      } finally {
        await server.stop();
      }
    },
  );
});

// Not concurrent: the servers run in this process, which must be free to accept connections.
describe("the command", () => {
  it.each(["404", "HTML", "a connection closed at once", "nothing listens", "a TLS port called in plain text"])(
    "%s: exit code 3, one line, no stack trace",
    async (name) => {
      const target = NULL_SERVERS.find((it) => it.name === name);
      const server = await target?.start();
      const { code, stdout, stderr } = await checkCommand(server?.url ?? "").finally(() => server?.stop());
      expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
      // Long lines are wrapped.
      expect(stdout.trim().replaceAll("\n", " ")).toMatch(target?.headline ?? /never/);
    },
  );
});

describe.concurrent("a server with a valid GetServerInfo and empty responses otherwise", { timeout: 180_000 }, () => {
  /**
   * Cases that may pass: those about GetServerInfo, and one about the media type of responses, which an empty response
   * may have.
   */
  const MAY_PASS = /^(info\/|http\/answer-type)/;
  const EXPLORE = /^explore\//;
  const responses = Object.entries(EMPTY_RESPONSES);
  const wronglyPassed = (report: Report) => passed(report).filter((id) => !MAY_PASS.test(id));

  it.each(responses)("%s: without accounts no case passes, and the headline says so", async (_, respond) => {
    const report = await checkHalfNull(respond);
    expect(report.headline).toMatch(/^no accounts: /);
    expect(passed(report)).toEqual([]);
    expect(report.verdict).toBe(Outcome.INCONCLUSIVE);
  });

  it.each(responses)("%s: with accounts the verdict is fail, and no case passes wrongly", async (_, respond) => {
    const report = await checkHalfNull(respond, {
      ...givenAccounts(),
      vary: [],
      select: ({ id }) => !EXPLORE.test(id),
    });
    expect(wronglyPassed(report)).toEqual([]);
    expect(report.verdict).toBe(Outcome.FAIL);
  });

  it.each(responses.filter(([name]) => /^(200 \{\}|500|401|an echo)$/.test(name)))(
    "%s: explore cases do not pass",
    async (_, respond) => {
      const report = await checkHalfNull(respond, {
        ...givenAccounts(),
        vary: [],
        select: ({ id }) => EXPLORE.test(id),
      });
      expect(wronglyPassed(report)).toEqual([]);
    },
  );
});

/** Provides more new accounts than the cases need, so that none is used twice. */
function givenAccounts(): Pick<CheckOptions, "accounts"> {
  const accounts = Array.from({ length: 6000 }, (_, n) => ({ userId: `u-${n}`, token: `t-${n}`, fresh: true }));
  return { accounts: poolAccounts("a list", accounts) };
}

async function checkHalfNull(respond: Responder, options: Partial<CheckOptions> = {}): Promise<Report> {
  const server = await halfNull(respond);
  try {
    return await check({ urls: [server.url], ...options });
  } finally {
    await server.stop();
  }
}

/** Runs `seqsync check URL` as a child process. */
function checkCommand(url: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
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
