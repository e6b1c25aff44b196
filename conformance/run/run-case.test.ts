import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Outcome, ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { AccountSource } from "../accounts/source.js";
import { Inconclusive, newFinding } from "../findings.js";
import type { Case } from "../harness/case.js";
import { Judge } from "../judge/judge.js";
import { alive } from "../selftest/support/garbage.js";
import { Transport } from "../transport/http.js";
import { type RunContext, runCase } from "./run-case.js";
import { probe } from "./target.js";

let server: Awaited<ReturnType<typeof startReferenceServer>>;
let shared: RunContext;
beforeAll(async () => {
  server = await startReferenceServer({ fixtures: true });
  const transport = new Transport({ urls: [server.url] });
  const probed = await probe(transport);
  if ("problem" in probed) throw new Error(probed.problem);
  const source = (await fixtureAccounts(transport, {})) as AccountSource;
  const signal = new AbortController().signal;
  shared = {
    transport,
    info: probed.info,
    source,
    seed: 1,
    nonce: "n",
    executions: 0,
    blamedAspects: new Map(),
    timeoutScale: 1,
    signal,
    invocation: "URL",
  };
});
afterAll(async () => {
  await shared.transport.close();
  await server.close(0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs a case with this function. */
async function runWith(run: Case["run"], changed: Partial<RunContext> = {}) {
  const it: Case = { id: "ack/made-up", title: "t", requirements: ["ACK-MONOTONE"], run };
  const { result } = await runCase({ id: it.id, case: it, codec: "proto" }, { ...shared, ...changed }, new Set());
  return result;
}

const sync: Case["run"] = async (t) => {
  await t.bob.device("phone").drain();
};

describe("the outcome of a case", () => {
  test("is pass if the case ends without an error; no history is kept", async () => {
    expect(await runWith(sync)).toMatchObject({ outcome: Outcome.PASS, reason: "", history: [], reproduce: "" });
  });

  test("is that of a second run if the server has raised a limit since", async () => {
    const info = { ...shared.info, maxPayloadBytes: 5 };
    const run: Case["run"] = async (t) => {
      if (t.info.maxPayloadBytes === 5) t.fail("SEND-PAYLOAD-LIMIT", "was not refused", "a refusal", "it was accepted");
    };
    expect(await runWith(run, { info })).toMatchObject({ outcome: Outcome.PASS, findings: [] });
    const alwaysFails: Case["run"] = async (t) =>
      t.fail("SEND-PAYLOAD-LIMIT", "was not refused", "a refusal", "it was");
    expect(await runWith(alwaysFails, { info })).toMatchObject({ outcome: Outcome.FAIL });
  });

  test("is fail if an expectation is not met, with a command that runs the case again", async () => {
    const result = await runWith(async (t) => {
      await sync(t);
      t.fail("ACK-MONOTONE", "the ack was lowered", "2", "1");
    });
    expect(result).toMatchObject({
      outcome: Outcome.FAIL,
      findings: [{ requirement: "ACK-MONOTONE", expected: "2", actual: "1", byJudge: false }],
      reproduce: "npx seqsync check URL --only ack/made-up --codec proto --seed 1 --vary none",
    });
    expect(result.history.length).toBeGreaterThan(0);
  });

  test("is inconclusive if a prerequisite is missing, and if the run is stopped", async () => {
    const missing = await runWith(async () => {
      throw new Inconclusive("missing", ReasonCode.SERVER_LIMIT);
    });
    expect(missing).toMatchObject({
      outcome: Outcome.INCONCLUSIVE,
      reason: "missing",
      reasonCode: ReasonCode.SERVER_LIMIT,
    });
    const stop = new AbortController();
    const stopped = runWith(() => new Promise<never>(() => stop.abort()), { signal: stop.signal });
    expect(await stopped).toMatchObject({ outcome: Outcome.INCONCLUSIVE, reasonCode: ReasonCode.STOPPED });
  });
});

test("a case that has ended leaves no abort signal in memory", async () => {
  const signals: WeakRef<AbortSignal>[] = [];
  await runWith(async ({ signal }) => {
    signals.push(new WeakRef(signal));
  });
  expect(signals).toHaveLength(1);
  await expect.poll(() => alive(signals)).toBe(0);
});

describe("an error in the suite gives no verdict on the server", () => {
  const suite = { outcome: Outcome.ERROR, reasonCode: ReasonCode.SUITE_ERROR, findings: [] };

  test("in a case", async () => {
    const result = await runWith(async () => {
      throw new TypeError("x is not a function");
    });
    expect(result).toMatchObject(suite);
    expect(result.reason).toMatch(/^error in the suite, not in the server; please report it: TypeError: x is not/);
    expect(result.reason).toMatch(/ \(conformance\/run\/run-case\.test\.ts:\d+\)$/);
  });

  test("in a case that throws a string", async () => {
    expect(await runWith(() => Promise.reject("a word"))).toMatchObject(suite);
  });

  test.each(["observe", "finish"] as const)("in the judge's %s, even if the case fails", async (method) => {
    vi.spyOn(Judge.prototype, method).mockImplementation(() => {
      throw new RangeError("the judge is broken");
    });
    const result = await runWith(async (t) => {
      await sync(t);
      t.fail("ACK-MONOTONE", "the ack was lowered", "2", "1");
    });
    expect(result).toMatchObject(suite);
    expect(result.reason).toMatch(/RangeError: the judge is broken/);
  });

  test("but violations that the judge found are kept", async () => {
    const message = "found by the judge";
    vi.spyOn(Judge.prototype, "finish").mockReturnValue([
      newFinding({ requirement: "ACK-MONOTONE", message, expected: "", actual: "" }),
    ]);
    const result = await runWith(async () => {
      throw new TypeError("x is not a function");
    });
    expect(result).toMatchObject({ outcome: Outcome.FAIL, findings: [{ message, byJudge: true }] });
    expect(result.reason).toMatch(/TypeError/);
  });
});

test("accounts are released even if the case throws", async () => {
  const release = vi.fn();
  await runWith(() => Promise.reject(new TypeError()), { source: { ...shared.source, release } });
  expect(release).toHaveBeenCalledOnce();
  expect(release.mock.calls[0]?.[0]).toHaveLength(2);
});
