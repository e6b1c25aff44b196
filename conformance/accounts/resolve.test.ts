import type { RequestListener } from "node:http";
import { afterAll, describe, expect, test } from "vitest";
import { createHandler, Service } from "../../reference-server/index.js";
import { serve } from "../selftest/support/serve.js";
import { Transport } from "../transport/http.js";
import { type AccountOptions, resolveAccounts } from "./resolve.js";

const cleanUps: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Why there are no accounts; empty if there are. */
async function unavailable(listener: RequestListener, options: AccountOptions): Promise<string> {
  const { url, stop } = await serve(listener);
  const transport = new Transport({ urls: [url] });
  cleanUps.push(() => transport.close(), stop);
  const source = await resolveAccounts(transport, options);
  const why = "unavailable" in source ? source.unavailable : "";
  expect(why).not.toMatch(/s3cret|\n/);
  return why;
}

/** The server, except for the RPCs whose path contains a text, which get a page. */
const except = (service: Service, part: string, status: number): RequestListener => {
  const handler = createHandler(service, { fixtures: true });
  return (req, res) =>
    req.url?.includes(part)
      ? void res.writeHead(status, { "content-type": "text/html" }).end("<html>")
      : handler(req, res);
};

describe("fixtures", () => {
  test.each([
    [
      "the server has none",
      createHandler(new Service()),
      /^the server does not serve .*FixtureService at this URL; start/,
    ],
    [
      "a website answers every path",
      except(new Service(), "Fixture", 200),
      /^the server does not serve .*FixtureService/,
    ],
    [
      "a credential is needed",
      createHandler(new Service(), { fixtures: true, fixtureToken: "s3cret" }),
      /require a credential; put it into .*SEQSYNC_FIXTURE_TOKEN$/,
    ],
  ])("%s", async (_what, listener, line) => {
    expect(await unavailable(listener, {})).toMatch(line);
  });

  test("the credential is wrong", async () => {
    const listener = createHandler(new Service(), { fixtures: true, fixtureToken: "s3cret" });
    expect(await unavailable(listener, { fixtureToken: "s3cret-2" })).toMatch(/do not accept .*SEQSYNC_FIXTURE_TOKEN$/);
  });
});

describe("tokens of a list", () => {
  const service = new Service();
  const good = { userId: "ann", token: service.createAccount("ann").token };
  const bad = ["ben", "cat"].map((userId) => ({ userId, token: `s3cret-${userId}` }));
  const listener = createHandler(service);

  test.each([
    ["all wrong", bad, listener, /^the server does not accept any of the 2 tokens of the given list; check that/],
    ["one wrong", [good, ...bad.slice(1)], listener, /accept the token of account 2 of the given list;/],
    ["two wrong", [good, ...bad], listener, /accept the token of account 2 and of 1 more of the given list;/],
    ["refused by a gateway", [good, ...bad], except(service, "/Sync", 401), /any of the 3 tokens/],
  ])("%s", async (_what, accounts, server, line) => {
    expect(await unavailable(server, { accounts })).toMatch(line);
  });

  test("all right", async () => {
    const other = { userId: "dan", token: service.createAccount("dan").token };
    expect(await unavailable(listener, { accounts: [good, other] })).toBe("");
  });
});
