import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { createHandler, type Listening, listen, Service, type ServiceOptions } from "../../reference-server/index.js";
import { poolAccounts } from "../accounts/pool.js";
import { check } from "../run/check.js";
import { durable as crashMutants } from "./mutants/durable.js";
import { startMutant } from "./mutants/mutant.js";

const ACCOUNTS = ["bob", "alice", "carol", "dave"].map((userId) => ({
  userId,
  token: `a-token-of-${userId}-that-is-long-enough`,
}));
const { JSON: PROFILE_JSON, WATCH, DURABLE } = Profile;

/** A server that can be restarted with another state. */
class Restartable {
  readonly #makeService: (before: Service | undefined) => Service;
  #service: Service | undefined;
  #listening: Listening | undefined;
  #port = 0;

  constructor(makeService: (before: Service | undefined) => Service) {
    this.#makeService = makeService;
  }

  async start(): Promise<string> {
    this.#service = this.#makeService(this.#service);
    this.#listening = await listen(createHandler(this.#service), { port: this.#port });
    this.#port = Number(new URL(this.#listening.url).port);
    return this.#listening.url;
  }

  async restart(): Promise<void> {
    await this.#listening?.close(0);
    await this.start();
  }

  revoke(token: string): void {
    this.#service?.accounts.revoke(token);
  }

  async stop(): Promise<void> {
    await this.#listening?.close(0);
  }
}

function inMemory(options: ServiceOptions = {}): Service {
  const service = new Service({ profiles: [PROFILE_JSON, WATCH], ...options });
  for (const { userId, token } of ACCOUNTS) service.createAccount(userId, token);
  return service;
}

async function checkRestarts(makeService: (before: Service | undefined) => Service): Promise<Report> {
  const server = new Restartable(makeService);
  const url = await server.start();
  try {
    return await checkUrl(url, server);
  } finally {
    await server.stop();
  }
}

/** Runs the cases about crashes. The accounts are the same after each crash, apart from the tokens that were revoked. */
function checkUrl(
  url: string,
  server: { restart: () => Promise<void>; revoke: (token: string) => void },
): Promise<Report> {
  const revoked: string[] = [];
  return check({
    urls: [url],
    seed: 1,
    select: ({ case: { id, thorough } }) => id.startsWith("durable/") && !thorough,
    restart: async () => {
      await server.restart();
      for (const token of revoked) server.revoke(token);
    },
    accounts: {
      ...poolAccounts("test", ACCOUNTS),
      revokeToken: async (token) => {
        revoked.push(token);
        server.revoke(token);
      },
    },
  });
}

const blamed = ({ cases }: Report) => new Set(cases.flatMap((it) => it.findings.map(({ requirement }) => requirement)));
const durable = { profiles: [PROFILE_JSON, WATCH, DURABLE] };

describe("after a crash", () => {
  it("a server without DURABLE may have lost everything, under new epochs", async () => {
    const report = await checkRestarts(() => inMemory());
    expect([...blamed(report)]).toEqual([]);
    expect(report.verdict).toBe(Outcome.PASS);
  });

  it("a DURABLE server that has kept everything passes", async () => {
    const report = await checkRestarts((before) => before ?? inMemory(durable));
    expect([...blamed(report)]).toEqual([]);
    expect(report.verdict).toBe(Outcome.PASS);
  });

  it.each(crashMutants)("the mutant $name fails: it $about", async (mutant) => {
    const server = await startMutant(mutant);
    for (const { userId, token } of ACCOUNTS) server.service.createAccount(userId, token);
    try {
      const { url, restart, service } = server;
      const report = await checkUrl(url, { restart, revoke: (token) => service.accounts.revoke(token) });
      expect([...blamed(report)]).toContain(mutant.breaks);
      expect(report.verdict).toBe(Outcome.FAIL);
    } finally {
      await server.close(0);
    }
  });

  it("a DURABLE server without --restart-command makes the cases inconclusive", async () => {
    const server = new Restartable((before) => before ?? inMemory(durable));
    const urls = [await server.start()];
    const report = await check({
      urls,
      select: ({ id }) => id.startsWith("durable/"),
      accounts: poolAccounts("test", ACCOUNTS),
    });
    await server.stop();
    expect(report.verdict).toBe(Outcome.INCONCLUSIVE);
    expect(report.cases[0]?.reason).toContain("--restart-command");
  });
});

describe("--restart-command", () => {
  it("kills and starts a real process, which keeps the output of the command open and needs time to listen", async () => {
    const folder = mkdtempSync(join(tmpdir(), "seqsync-restart-"));
    const root = join(import.meta.dirname, "../..");
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const script = join(folder, "restart.sh");
    const accounts = ACCOUNTS.map(({ userId, token }) => `${userId}:${token}`).join(" ");
    writeFileSync(
      script,
      `[ -f '${folder}/pid' ] && kill -9 "$(cat '${folder}/pid')"
cd '${root}'
SEQSYNC_ACCOUNTS='${accounts}' '${process.execPath}' --import tsx reference-server/main.ts --port ${port} &
echo $! > '${folder}/pid'
`,
    );
    writeFileSync(
      join(folder, "accounts.json"),
      JSON.stringify(ACCOUNTS.map(({ userId, token }) => ({ user_id: userId, token }))),
    );
    try {
      expect((await command("/bin/sh", [script])).code).toBe(0);
      await expect.poll(() => fetch(url).then(() => "up", String), { timeout: 30_000 }).toBe("up");
      const main = join(root, "conformance/cli/main.ts");
      const { code, output } = await command(process.execPath, [
        ...["--import", "tsx", main, "check", url],
        ...["--only", "durable/crash-*", "--only", "durable/answers-until-the-crash"],
        ...["--codec", "proto", "--vary", "none"],
        ...["--accounts", join(folder, "accounts.json"), "--restart-command", `sh '${script}'`],
      ]);
      expect(output).toContain("3 passed, 0 failed");
      expect(code).toBe(0);
    } finally {
      await command("/bin/sh", ["-c", `kill -9 "$(cat '${folder}/pid')"`]);
      rmSync(folder, { recursive: true });
    }
  });
});

function command(file: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: join(import.meta.dirname, "../.."), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    // A server that the command leaves running keeps the pipes open, so "close" would not come.
    child.once("exit", (code) => resolve({ code, output }));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
