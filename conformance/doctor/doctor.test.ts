import { request as forward, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { createHandler, Service, startReferenceServer } from "../../reference-server/index.js";
import { CA } from "../selftest/support/certificates.js";
import { cleanUpsAfterAll } from "../selftest/support/clean-ups.js";
import { serve } from "../selftest/support/serve.js";
import { nowhere, serveTls } from "../selftest/support/tls.js";
import { type DoctorOptions, examine } from "./doctor.js";
import type { Step } from "./step.js";

const { onEnd, running } = cleanUpsAfterAll();
let reference: string;
beforeAll(async () => {
  const { url, close } = await startReferenceServer({ fixtures: true });
  reference = url;
  onEnd(() => close(0));
});

/** The steps by name. */
async function stepsOf(url: string, options: Partial<DoctorOptions> = {}): Promise<Map<string, Step>> {
  const shown: Step[] = [];
  const steps = await examine({ url, ...options, onStep: (step) => shown.push(step) });
  expect(shown).toEqual(steps);
  return new Map(steps.map((step) => [step.name, step]));
}

const states = (steps: Map<string, Step>) => [...steps.values()].map(({ state }) => state);

/** Forwards requests to the reference server; the response to a Watch is held back until it ends. */
const buffering: RequestListener = (req, res) => {
  const { method, url, headers } = req;
  const passing = forward(`${reference}${url}`, { method: method ?? "POST", headers }, (response) => {
    res.writeHead(response.statusCode ?? 502, response.headers);
    if (!url?.endsWith("/Watch")) return void response.pipe(res);
    res.flushHeaders();
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => res.end(Buffer.concat(chunks)));
    response.on("error", () => res.destroy());
    res.on("close", () => response.destroy());
  });
  passing.on("error", () => res.destroy());
  req.pipe(passing);
};

test("the reference server has no problem and no warning", async () => {
  const steps = await stepsOf(reference);
  expect([...steps.values()].filter(({ state }) => !["ok", "skipped"].includes(state))).toEqual([]);
  expect([...steps.keys()]).toEqual([
    ..."DNS TCP TLS GetServerInfo HTTP JSON latency".split(" "),
    ...["rate limit", "clock", "accounts", "message", "Watch"],
  ]);
  expect(steps.get("GetServerInfo")?.found).toMatch(
    /seqsync reference server, version 1\.0, CORE JSON WATCH; pages to/,
  );
  expect(steps.get("accounts")?.found).toMatch(/CreateAccount, RotateEpoch, RevokeToken and StepClock work/);
  expect(steps.get("Watch")?.found).toMatch(/the first frame came after .*, and another one after a Send/);
});

test.each(["latin1", "base64", "hex"] as const)(
  "a token that a server writes into an error, in %s, is not shown",
  async (encoding) => {
    const secrets = ["token-of-alice-000", "token-of-bob-00000"];
    const { url, stop } = await serve((req, res) => {
      const token = /^Bearer (.+)/.exec(req.headers.authorization ?? "")?.[1];
      if (token === undefined || !/\/S(end|ync)$/.test(req.url ?? "")) return buffering(req, res);
      req.resume();
      res.writeHead(400, { "content-type": "application/json" });
      res.end(JSON.stringify({ code: `code ${Buffer.from(token).toString(encoding)}`, message: "" }));
    });
    onEnd(stop);
    const accounts = secrets.map((token, n) => ({ userId: `user ${n}`, token }));
    const steps = await stepsOf(url, { accounts });
    const shown = JSON.stringify([...steps.values()]);
    expect(shown).toContain("[token of user 0]");
    for (const token of secrets) expect(shown).not.toContain(Buffer.from(token).toString(encoding));
  },
);

describe("each problem is named, and the steps that need the failed one are skipped", () => {
  test("nothing listens", async () => {
    const steps = await stepsOf(await nowhere());
    expect(steps.get("TCP")).toMatchObject({ state: "problem", found: expect.stringMatching(/connection refused/) });
    expect(steps.get("GetServerInfo")).toMatchObject({ state: "skipped", found: "needs TCP" });
    expect(states(steps).filter((state) => state === "problem")).toHaveLength(1);
  });

  test("a name without addresses", async () => {
    const steps = await stepsOf("http://server.invalid");
    expect(steps.get("DNS")).toMatchObject({ state: "problem", found: expect.stringMatching(/\(DNS\)/) });
  });

  test("a port that accepts connections and says nothing", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket.on("error", () => {})));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onEnd(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const steps = await stepsOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(steps.get("TCP")?.state).toBe("ok");
    expect(steps.get("GetServerInfo")).toMatchObject({
      state: "problem",
      found: expect.stringMatching(/no response within 3000 ms/),
    });
    expect(steps.get("Watch")?.state).toBe("skipped");
  });

  test("a certificate of an unknown authority, which is shown; with --ca it works, over HTTP/2 too", async () => {
    const url = await running(serveTls(createHandler(new Service(), { fixtures: true })));
    const unknown = await stepsOf(url);
    expect(unknown.get("TLS")).toMatchObject({
      state: "problem",
      found: expect.stringMatching(/unknown authority.*certificate for .*days left/),
      advice: expect.stringMatching(/--ca FILE/),
    });
    const known = await stepsOf(url, { tls: { ca: CA } });
    expect(known.get("TLS")).toMatchObject({ state: "ok", found: expect.stringMatching(/^TLSv1\.3, ALPN h2; cert/) });
    expect(known.get("HTTP")).toMatchObject({ state: "ok", found: expect.stringMatching(/^HTTP\/1\.1 and HTTP\/2, /) });
    expect(states(known)).not.toContain("problem");
  });

  test("a proxy that holds back the frames of a Watch", async () => {
    const steps = await stepsOf(await running(serve(buffering)));
    expect(steps.get("Watch")).toMatchObject({
      state: "problem",
      found: "no frame within 2 s, although the Watch is open: the response is buffered",
      advice: expect.stringMatching(/proxy_buffering off/),
    });
    expect(states(steps).filter((state) => state === "problem")).toHaveLength(1);
  });

  test("a rate limit, and a clock that is wrong", async () => {
    const handler = createHandler(new Service(), { fixtures: true });
    let requests = 0;
    const limited: RequestListener = (req, res) => {
      requests += 1;
      res.setHeader("date", new Date(Date.now() - 3_600_000).toUTCString());
      // Only concurrent calls reach the limit.
      if (requests > 14 && requests < 25) return void res.writeHead(429, { "retry-after": "1" }).end();
      return handler(req, res);
    };
    const steps = await stepsOf(await running(serve(limited)));
    expect(steps.get("rate limit")).toMatchObject({
      state: "warning",
      found: expect.stringMatching(/\d+ of 26 calls are to be retried \(retry-after\)/),
      options: ["--max-requests-per-second", "20"],
    });
    expect(steps.get("clock")?.found).toMatch(/^the server's clock is 3[56]\d\d s behind this machine's$/);
  });
});

describe("accounts of a list", () => {
  const service = new Service();
  const listOf = (...names: string[]) =>
    names.map((userId) => ({ userId, token: service.createAccount(userId).token }));

  test("are tried with a message", async () => {
    const url = await running(serve(createHandler(service)));
    const steps = await stepsOf(url, { accounts: listOf("ann", "ben"), accountsName: "accounts.json" });
    expect(steps.get("accounts")).toMatchObject({
      state: "warning",
      found: expect.stringMatching(/2 accounts, of which 0 are new/),
    });
    expect(steps.get("message")?.state).toBe("ok");
    expect(states(steps)).not.toContain("problem");
  });

  test("whose user ids are not those of their tokens are found out", async () => {
    const url = await running(serve(createHandler(service)));
    const [cat, dan] = listOf("cat", "dan");
    const accounts = [
      { userId: "cat", token: `${dan?.token}` },
      { userId: "dan", token: `${cat?.token}` },
    ];
    const steps = await stepsOf(url, { accounts });
    expect(steps.get("message")).toMatchObject({
      state: "problem",
      found: "a message to dan arrived in the inbox that belongs to the token of cat",
      advice: "correct the user_id in the list of accounts",
    });
  });

  test("that the server does not know", async () => {
    const url = await running(serve(createHandler(service)));
    const steps = await stepsOf(url, {
      accounts: [
        { userId: "eva", token: "s3cret-1" },
        { userId: "fay", token: "s3cret-2" },
      ],
    });
    expect(steps.get("accounts")).toMatchObject({
      state: "problem",
      found: expect.stringMatching(/any of the 2 tokens/),
    });
    expect(JSON.stringify([...steps.values()])).not.toContain("s3cret");
  });
});
