import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHandler, type Listening, listen, Service } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import { poolAccounts } from "../accounts/pool.js";
import type { AccountSource } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import { probe } from "../run/target.js";
import { Transport } from "../transport/http.js";
import { type Exploration, type ExplorationOptions, runExploration } from "./explore.js";

let service: Service;
const cleanUps: (() => unknown)[] = [];
beforeEach(() => {
  service = new Service({ profiles: [] });
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const start = (port = 0): Promise<Listening> => listen(createHandler(service, { fixtures: true }), { port });

async function explored(
  url: string,
  options: Partial<ExplorationOptions>,
  accounts?: AccountSource,
): Promise<Exploration> {
  const transport = new Transport({ urls: [url] });
  cleanUps.push(() => transport.close());
  const probed = await probe(transport);
  const source = accounts ?? (await fixtureAccounts(transport, {}));
  if ("problem" in probed || "unavailable" in source) throw new Error("the server under test is not ready");
  return runExploration({
    runs: 24,
    urls: [url],
    info: probed.info,
    source,
    seed: 1,
    faults: "light",
    shrinkMs: 0,
    ...options,
  });
}

/** Accounts that one program uses after another. */
function fewAccounts(count: number): AccountSource {
  const accounts = Array.from({ length: count }, (_, index) => {
    const { account, token } = service.createAccount(`user ${index}`);
    return { userId: account.userId, token };
  });
  return poolAccounts("test", accounts);
}

/**
 * Starts a front end whose database stalls: it responds to every third Send with `unavailable`, and the Send takes
 * effect up to 80 requests later.
 */
async function stallingFrontEnd(backEnd: string): Promise<string> {
  const held: { due: number; execute: () => Promise<unknown> }[] = [];
  let requests = 0;
  let sends = 0;
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const headers = ["content-type", "authorization"].flatMap((name) => {
      const value = req.headers[name];
      return typeof value === "string" ? [[name, value] as const] : [];
    });
    const execute = () =>
      fetch(`${backEnd}${req.url}`, {
        method: "POST",
        headers: Object.fromEntries(headers),
        body: Buffer.concat(chunks),
      });
    requests += 1;
    for (const [index, late] of [...held.entries()].reverse())
      if (late.due <= requests)
        void held
          .splice(index, 1)[0]
          ?.execute()
          .catch(() => {});
    if (req.url?.endsWith("/Send")) {
      sends += 1;
      if (sends % 3 === 0) {
        held.push({ due: requests + (sends % 80), execute });
        res.writeHead(503, { "content-type": "application/json", "cache-control": "no-store" });
        return res.end('{"code":"unavailable"}');
      }
    }
    const response = await execute();
    const type = response.headers.get("content-type") ?? "";
    res.writeHead(response.status, { "content-type": type, "cache-control": "no-store" });
    return res.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a Send that was abandoned", () => {
  it("may take effect during a later program with the same accounts", async () => {
    const server = await start();
    cleanUps.push(() => server.close(0));
    const url = await stallingFrontEnd(server.url);
    const { failure, programs } = await explored(url, { runs: 24, parts: 8 }, fewAccounts(2));
    expect(failure?.findings ?? []).toEqual([]);
    expect(programs).toBe(24);
  });
});

/** Longer than a client makes retries, in milliseconds. */
const DOWN_MS = 3000;

describe("a server that is down for a moment", () => {
  it.each(["fixtures", "a list of accounts"])("is not blamed, with %s", async (kind) => {
    let server = await start();
    cleanUps.push(() => server.close(0));
    const port = Number(new URL(server.url).port);
    const restart = async () => {
      await server.close(0);
      await sleep(DOWN_MS);
      server = await start(port);
    };
    let restarting: Promise<void> | undefined;
    const onProgram = () => {
      restarting ??= restart();
    };
    const accounts = kind === "fixtures" ? undefined : fewAccounts(4);
    const { failure, programs } = await explored(server.url, { faults: "heavy", onProgram }, accounts);
    await restarting;
    expect(failure?.findings ?? []).toEqual([]);
    expect(programs).toBe(24);
  });

  it("ends the exploration as inconclusive if it does not come back", async () => {
    const server = await start();
    const exploring = explored(server.url, { recoveryMs: 100, onProgram: () => void server.close(0) });
    await expect(exploring).rejects.toThrow(
      new RegExp(`^the server stopped responding: ${server.url} did not come back within 0\\.1 s: `),
    );
    await expect(exploring).rejects.toThrow(Inconclusive);
  });
});
