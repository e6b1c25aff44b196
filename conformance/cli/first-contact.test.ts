/** What `seqsync check` says, before it runs any case, about a server that it cannot check. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createHandler, Service, startReferenceServer } from "../../reference-server/index.js";
import { cleanUpsAfterAll, page } from "../selftest/support/clean-ups.js";
import { seqsync } from "../selftest/support/command.js";
import { serve } from "../selftest/support/serve.js";
import { nowhere } from "../selftest/support/tls.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-contact-"));
const { onEnd, running } = cleanUpsAfterAll();
onEnd(() => rmSync(folder, { recursive: true }));

/** Expects one line on standard output, nothing on standard error, and no case. */
async function expectLine(args: string[], line: RegExp | string): Promise<void> {
  const { code, stdout, stderr } = await seqsync(["check", ...args]);
  expect(stdout).toMatch(line);
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toBe("");
  expect(code).toBe(3);
}

test("a URL of something else gets one line that says what it is and what to do", async () => {
  const url = await running(serve(page(200, "<!doctype html><h1>It works!</h1>")));
  await expectLine([url], `${url} does not look like a Seq Sync server: it is a web page; use the base URL`);
});

describe("accounts", () => {
  test("a server without fixtures and without accounts", async () => {
    const server = await startReferenceServer();
    onEnd(() => server.close(0));
    await expectLine(
      [server.url],
      /^no accounts: the server does not serve .*FixtureService at this URL; start it with its fixtures.*--accounts FILE$/m,
    );
  });

  test("tokens that the server rejects", async () => {
    const accounts = join(folder, "accounts.json");
    const list = ["ann", "ben"].map((name) => ({ user_id: name, token: `s3cret-${name}` }));
    writeFileSync(accounts, JSON.stringify(list));
    const url = await running(serve(createHandler(new Service())));
    await expectLine(
      [url, "--accounts", accounts],
      /does not accept any of the 2 tokens of .*accounts\.json; check that/,
    );
  });
});

describe("--wait", () => {
  test("waits for a server that first closes connections, then has a proxy in front that finds no server", async () => {
    const handler = createHandler(new Service(), { fixtures: true });
    let requests = 0;
    const url = await running(
      serve((req, res) => {
        requests += 1;
        if (requests <= 2) return void req.socket.destroy();
        if (requests <= 12) return void res.writeHead(requests % 2 === 0 ? 502 : 503).end();
        return handler(req, res);
      }),
    );
    const only = ["--only", "ack/old-device-does-not-lower", "--codec", "proto"];
    const { code, stdout } = await seqsync(["check", url, "--wait", "60", ...only]);
    expect(stdout).toMatch(/^2 passed/m);
    expect(code).toBe(0);
  });

  test("ends with one line, by check and by explore", async () => {
    const url = await nowhere();
    await expectLine(
      [url, "--wait", "1"],
      `${url} cannot be reached: connection refused; is the server running, and is the URL right? (waited 1 s)`,
    );
    const { code, stdout } = await seqsync(["explore", url, "--wait", "1"]);
    expect(stdout).toMatch(/^http:\S+ cannot be reached: .*\(waited 1 s\)\n$/);
    expect(code).toBe(3);
  });
});
