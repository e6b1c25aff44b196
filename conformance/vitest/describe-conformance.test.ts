import { afterEach, expect, test, vi } from "vitest";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { Refusal } from "../../reference-server/errors.js";
import { startReferenceServer } from "../../reference-server/index.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { caseRuns } from "../run/case-run.js";
import { ack as ackMutants } from "../selftest/mutants/ack.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { runProject } from "./testing/run-project.js";

// Each test runs vitest in a separate process, with up to all cases.
vi.setConfig({ testTimeout: 300_000 });

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Starts a server that is stopped at the end of the test. */
async function started<S extends { close(graceMs?: number): Promise<void> }>(starting: Promise<S>): Promise<S> {
  const server = await starting;
  closing.push(() => server.close(0));
  return server;
}

/** Whether a test was skipped since its case is a thorough one. */
const isThorough = ({ reason }: { reason: string }) => reason.startsWith("a thorough case");

test("the reference server passes every case, under a configuration with a short timeout, retries and shuffling", async () => {
  const { url } = await started(startReferenceServer({ fixtures: true }));
  const { tests, errors, code } = await runProject({ url });
  expect(errors).toEqual([]);
  expect(tests.filter(({ state }) => state === "failed")).toEqual([]);
  expect(tests.map(({ name }) => name).sort()).toEqual(
    caseRuns(CATALOGUE, ["proto", "json"])
      .map((run) => `${run.id}: ${run.case.title}`)
      .sort(),
  );
  expect(tests.filter(({ state }) => state === "passed").length).toBeGreaterThan(tests.length / 2);
  for (const { state, reason } of tests) if (state === "skipped") expect(reason).not.toBe("");
  expect(code).toBe(0);
});

test("a violated requirement fails its cases, with its sentence, the expected and the actual value", async () => {
  const mutant = ackMutants.find(({ name }) => name === "ack-last-write-wins");
  if (mutant === undefined) throw new Error("there is no such mutant");
  const { url } = await started(startMutant(mutant, { fixtures: true }));
  const { tests, code } = await runProject({ url }, ["-t", "ack/"]);
  const errors = tests.flatMap((it) => it.errors);
  expect(errors.join("\n")).toMatch(/^✗ ACK-MONOTONE \(MUST, 1 case\): /m);
  const again = /run again {6}SEQSYNC_SEED=\d+ npx vitest run check\.spec\.ts -t 'ack\/\S+( \\\(json\\\))?: '$/m;
  for (const it of tests.filter(({ state }) => state === "failed")) {
    expect(it.errors[0]).toMatch(/^ {2}case {11}ack\/\S+/m);
    expect(it.errors[0]).toMatch(again);
    expect(it.blocks).toEqual(["my server", "ack"]);
  }
  // `retry` of the configuration has no effect: a violation is reported once.
  for (const it of tests) expect(it.errors.length).toBeLessThan(2);
  expect(errors.join("\n")).toMatch(/MUST NOT lower.*ack\.md#ack-monotone.*expected {2}.*actual {4}/s);
  expect(code).toBe(1);
});

test("a codec that the server does not declare is skipped, with the reason", async () => {
  const { url } = await started(startReferenceServer({ fixtures: true, profiles: [Profile.WATCH] }));
  const { tests, code } = await runProject({ url }, ["-t", "ack/"]);
  const json = tests.filter(({ name, reason }) => /^ack\/.*\(json\)/.test(name) && !isThorough({ reason }));
  expect(json.length).toBeGreaterThan(0);
  for (const { state, reason } of json) {
    expect(state).toBe("skipped");
    expect(reason).toContain("json");
  }
  expect(code).toBe(0);
});

test("a case for which the accounts do not suffice is skipped, with the reason; the others run", async () => {
  const { url, service } = await started(startReferenceServer());
  const accounts = ["ann", "ben"].map((userId) => ({ userId, token: service.createAccount(userId).token }));
  const { tests, code } = await runProject({ url, accounts }, ["-t", "seq/"]);
  const own = tests.filter(({ name }) => name.startsWith("seq/"));
  expect(own.filter(({ state }) => state === "failed")).toEqual([]);
  expect(own.some(({ state }) => state === "passed")).toBe(true);
  expect(own.some(({ state, reason }) => state === "skipped" && reason.includes("FixtureService"))).toBe(true);
  expect(code).toBe(0);
});

test("only the tests that vitest selects are run", async () => {
  const paths: string[] = [];
  const { url } = await started(startReferenceServer({ fixtures: true, log: ({ path }) => paths.push(path) }));
  const { tests, code } = await runProject({ url }, ["-t", "ack/sync-acks-through-cli-seq:"]);
  expect(tests.filter(({ state }) => state === "passed").map(({ name }) => name.split(":")[0])).toEqual([
    "ack/sync-acks-through-cli-seq",
  ]);
  // One call probes the fixtures, and two create the accounts of each run of the case: one is plain, one varies.
  expect(paths.filter((path) => path.endsWith("/CreateAccount"))).toHaveLength(5);
  expect(code).toBe(0);
});

test("an inconclusive case fails, with the reason", async () => {
  let calls = 0;
  const { url } = await started(
    startReferenceServer({
      fixtures: true,
      operations: {
        createAccount: () => {
          calls += 1;
          if (calls > 1) throw new Refusal("invalid_argument", "no more accounts today");
          return { $typeName: "seqsync.conformance.v1.CreateAccountResponse", userId: "probe", token: "probe" };
        },
      },
    }),
  );
  const { tests, code } = await runProject({ url }, ["-t", "ack/"]);
  const own = tests.filter((it) => it.name.startsWith("ack/") && !isThorough(it));
  expect(own.length).toBeGreaterThan(0);
  for (const { state, errors } of own) {
    expect(state).toBe("failed");
    expect(errors[0]).toBe("inconclusive: the fixture CreateAccount was refused with invalid_argument");
  }
  expect(code).toBe(1);
});

test.each([
  {
    what: "an address where nothing listens",
    target: async () => "http://127.0.0.1:1",
    says: "http://127.0.0.1:1 cannot be reached",
  },
  {
    what: "a server without fixtures",
    target: async () => (await started(startReferenceServer())).url,
    says: "no accounts: the server does not serve seqsync.conformance.v1.FixtureService",
  },
])("$what fails the block as a whole, in one line", async ({ target, says }) => {
  const { tests, errors, code } = await runProject({ url: await target() }, ["-t", "ack/"]);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(says);
  expect(errors[0]).not.toContain("\n");
  expect(tests.filter(({ state }) => state === "passed")).toEqual([]);
  expect(code).toBe(1);
});
