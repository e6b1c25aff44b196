import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../cli/exit-code.js";
import { reportJson } from "../../report/formats/json.js";
import { headlineOf } from "../../report/model/summary.js";
import { check } from "../../run/check.js";
import { explore } from "../../run/explore.js";
import { seqsync } from "../support/command.js";
import { listenHostile } from "./hostile-server.js";
import { HOSTILE_SERVERS } from "./servers.js";

/** Passes the URL of a hostile server, while it listens. */
async function against<T>(name: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = HOSTILE_SERVERS.find((it) => it.name === name);
  if (server === undefined) throw new Error(`there is no hostile server "${name}"`);
  const { url, stop } = await listenHostile(server);
  try {
    return await use(url);
  } finally {
    stop();
  }
}

/** Cases about Send and Sync, and one about Watch. */
const USUAL = ["ack/worked", "watch/first-frame"];

describe("check ends, and says what is wrong with", () => {
  it.each(HOSTILE_SERVERS)("$name", async ({ name, line, code, only = USUAL, timeoutScale = 1 }) => {
    const report = await against(name, (url) =>
      check({ urls: [url], timeoutScale, select: ({ id }) => only.some((start) => id.startsWith(start)) }),
    );
    // Whatever the server sent, the report can be written.
    expect(reportJson(report)).toContain('"verdict"');
    const violations = report.cases.flatMap(({ id, findings }) =>
      findings.map((it) => `✗ ${id}  ${it.requirement} ${it.message} ${it.actual}`),
    );
    expect([headlineOf(report), ...violations].join("\n")).toMatch(line);
    expect(report.counts?.error).toBe(0);
    expect(exitCodeOf(report)).toBe(code);
  });

  it("a server that is too slow for the time limit", async () => {
    const { code, stdout } = await against("no response to Sync", (url) =>
      seqsync(["check", url, "--only", "ack", "--time-limit", "1"]),
    );
    expect(stdout).toMatch(/^the run did not end within its time limit of 1 s; see --time-limit$/m);
    expect(code).toBe(3);
  });
});

describe("check has bounded memory against", () => {
  /** Prints the largest memory of a process when it ends, in KiB. */
  const PRINT_MEMORY =
    "data:text/javascript,process.on('exit',()=>console.error('memory:',process.resourceUsage().maxRSS))";

  it.each([
    ["megabytes of text in ids and epochs", "page"],
    ["a flood of equal frames", "watch/opened*"],
  ])("%s", async (name, only) => {
    const { code, stdout, stderr } = await against(name, (url) =>
      seqsync(["check", url, "--codec", "proto", "--only", only], { imports: [PRINT_MEMORY] }),
    );
    expect(stdout).toMatch(/The server\s+violates at\s+least one\s+MUST/);
    expect(code).toBe(1);
    expect(Number(/^memory: (\d+)$/m.exec(stderr)?.[1])).toBeLessThan(500_000);
  });
});

it("explore ends at a server that sends endless bodies", async () => {
  const exploration = await against("an endless body after the first contact", (url) => explore({ urls: [url] }));
  // It ends because of the flood, or with a program that has failed before that.
  const result = inspect(exploration, { depth: null });
  expect(result).toMatch(/the server floods its clients|failed: \d/);
  expect(result).toMatch(/the response is larger than \d+ bytes/);
});
