import { afterEach, describe, expect, it } from "vitest";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { createHandler, type Listening, listen, Service, type ServiceOptions } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import { poolAccounts } from "../accounts/pool.js";
import type { AccountSource } from "../accounts/source.js";
import { probe } from "../run/target.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { type Mutant, type MutantServer, startMutant } from "../selftest/mutants/mutant.js";
import { Transport } from "../transport/http.js";
import { type Exploration, type ExplorationOptions, runExploration } from "./explore.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function explored(
  urls: readonly string[],
  options: Partial<ExplorationOptions>,
  accounts?: AccountSource,
): Promise<Exploration> {
  const transport = new Transport({ urls });
  cleanUps.push(() => transport.close());
  const probed = await probe(transport);
  const source = accounts ?? (await fixtureAccounts(transport, {}));
  if ("problem" in probed || "unavailable" in source) throw new Error("the server under test is not ready");
  return runExploration({ runs: 100, urls, info: probed.info, source, seed: 1, faults: "heavy", ...options });
}

/** A list of accounts that several programs use, one after another. */
function listed(service: Service, count: number): AccountSource {
  const accounts = Array.from({ length: count }, (_, index) => {
    const { account, token } = service.createAccount(`user ${index}`, `a-token-of-user-${index}-that-is-long-enough`);
    return { userId: account.userId, token };
  });
  return poolAccounts("test", accounts);
}

const { JSON: PROFILE_JSON, WATCH, DURABLE } = Profile;

describe("the reference server", () => {
  /** Starts a server that the exploration can restart. */
  async function restartable(options: ServiceOptions, keepsAll: boolean) {
    let service = new Service(options);
    const source = listed(service, 20);
    let listening: Listening = await listen(createHandler(service, { fixtures: true }), { port: 0 });
    cleanUps.push(() => listening.close(0));
    let restarts = 0;
    const restart = async () => {
      restarts += 1;
      await listening.close(0);
      if (!keepsAll) {
        service = new Service(options);
        listed(service, 20);
      }
      listening = await listen(createHandler(service, { fixtures: true }), {
        port: Number(new URL(listening.url).port),
      });
    };
    return { url: listening.url, source, restart, restarts: () => restarts };
  }

  it.each([
    ["keeps everything and declares DURABLE", [PROFILE_JSON, WATCH, DURABLE], true],
    ["keeps nothing but its accounts", [PROFILE_JSON, WATCH], false],
  ])("is not blamed for crashes if it %s", { timeout: 240_000 }, async (_what, profiles, keepsAll) => {
    const { url, source, restart, restarts } = await restartable({ profiles }, keepsAll);
    const { failure } = await explored([url], { restart, runs: 100 }, source);
    expect(failure?.findings ?? []).toEqual([]);
    expect(restarts()).toBeGreaterThan(0);
  });

  it("is not blamed by the limits that it had before it raised them", { timeout: 240_000 }, async () => {
    // A page may have many more messages than the server declared first.
    const service = new Service({ maxPageSize: 3 });
    let sends = 0;
    const handler = createHandler(service, { fixtures: true });
    const listening = await listen(
      (req, res) => {
        if (req.url?.endsWith("/Send")) sends += 1;
        if (sends === 100) Object.assign(service.options, { maxPageSize: 1000 });
        return handler(req, res);
      },
      { port: 0 },
    );
    cleanUps.push(() => listening.close(0));
    const { failure } = await explored([listening.url], {});
    expect(failure?.findings ?? []).toEqual([]);
    expect(service.options.maxPageSize).toBe(1000);
  });

  it("is not blamed with two front ends and a list of few accounts", { timeout: 240_000 }, async () => {
    const service = new Service({});
    const source = listed(service, 5);
    const urls: string[] = [];
    for (let front = 0; front < 2; front += 1) {
      const listening = await listen(createHandler(service), { port: 0 });
      cleanUps.push(() => listening.close(0));
      urls.push(listening.url);
    }
    const { failure } = await explored(urls, {}, source);
    expect(failure?.findings ?? []).toEqual([]);
  });
});

describe("a fault that only a new operation shows", () => {
  const findIn = async (mutant: Omit<Mutant, "breaks" | "name">, options: Partial<ExplorationOptions> = {}) => {
    const server: MutantServer = await startMutant({ name: "test", ...mutant }, { fixtures: true });
    cleanUps.push(() => server.close(0));
    const restart = mutant.crash === undefined ? {} : { restart: server.restart };
    const { failure } = await explored(server.urls, { runs: 500, shrinkMs: 15_000, ...restart, ...options });
    if (failure === undefined) throw new Error("nothing was found");
    return { kinds: failure.steps.map(({ operation }) => operation.kind), failure };
  };
  const requirements = ({ findings }: { findings: readonly { requirement: string }[] }) =>
    findings.map(({ requirement }) => requirement);

  it.each([
    ["mixtures-watch-ends-older-ones", "WATCH-WAKE", 7],
    ["watch-misses-a-new-epoch", "WATCH-EPOCH", 4],
    ["send-refused-id-is-burnt", "SEND-ID-FREE", 4],
    ["crash-loses-records-of-acked-messages", "DUR-NEW-EPOCH", 8],
  ] as const)("is found in a scenario: %s, which breaks %s", { timeout: 240_000 }, async (name, breaks, steps) => {
    const mutant = MUTANTS.find((it) => it.name === name);
    if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
    const { kinds, failure } = await findIn(mutant);
    expect(requirements(failure)).toContain(breaks);
    expect(kinds.length).toBeLessThanOrEqual(steps);
  });

  it("is found if a revoked token stays valid", { timeout: 240_000 }, async () => {
    const { kinds, failure } = await findIn({
      about: "accepts revoked tokens",
      handler: (real, service) => {
        service.accounts.revoke = () => true as never;
        return real;
      },
    });
    expect(kinds).toContain("revoke");
    expect(kinds.length).toBeLessThanOrEqual(3);
    expect(requirements(failure)).toContain("AUTH-REVOKED");
  });

  it("is found if a crash loses the latest message under the same epoch", { timeout: 240_000 }, async () => {
    const { kinds, failure } = await findIn({
      about: "loses the latest message of each inbox in a crash",
      crash: ({ inboxes }) => {
        for (const inbox of inboxes) if (inbox.pending.delete(inbox.svrSeq)) inbox.svrSeq -= 1;
      },
    });
    expect(kinds).toContain("restart");
    expect(kinds.length).toBeLessThanOrEqual(6);
    expect(requirements(failure).length).toBeGreaterThan(0);
  });

  it("is found if a large message gets lost", { timeout: 240_000 }, async () => {
    const { failure } = await findIn({
      about: "drops large payloads",
      operations: (real) => ({
        send: (...args) => {
          const [, , request] = args as unknown as [unknown, unknown, { payload: Uint8Array }];
          if (request.payload.length > 20_000) request.payload = request.payload.subarray(0, 20_000);
          return real.send(...args);
        },
      }),
    });
    expect(failure.steps.length).toBeLessThanOrEqual(3);
  });
});
