import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { AccountSource } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import type { Case } from "../harness/case.js";
import { Judge } from "../judge/judge.js";
import { alive } from "../selftest/support/garbage.js";
import { Transport } from "../transport/http.js";
import { type RunContext, runCase } from "./run-case.js";
import { probe } from "./target.js";

let server: Awaited<ReturnType<typeof startReferenceServer>>;
let stage: RunContext;
beforeAll(async () => {
  server = await startReferenceServer({ fixtures: true });
  const transport = new Transport({ urls: [server.url] });
  const greeting = await probe(transport);
  if ("problem" in greeting) throw new Error(greeting.problem);
  const source = (await fixtureAccounts(transport, {})) as AccountSource;
  const signal = new AbortController().signal;
  stage = { transport, info: greeting.info, source, seed: 1, nonce: "n", timeoutScale: 1, signal, invocation: "URL" };
});
afterAll(async () => {
  await stage.transport.close();
  await server.close(0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs a case that does this. */
function play(run: Case["run"], changed: Partial<RunContext> = {}) {
  const it: Case = { id: "ack/made-up", title: "t", requirements: ["ACK-MONOTONE"], run };
  return runCase({ id: it.id, case: it, codec: "proto" }, { ...stage, ...changed });
}

const sync: Case["run"] = async (t) => {
  await t.bob.device("phone").drain();
};

describe("the outcome of a case", () => {
  test("is a pass if it comes to its end, with no history", async () => {
    expect(await play(sync)).toMatchObject({ outcome: Outcome.PASS, reason: "", history: [], reproduce: "" });
  });

  test("is a failure if what it expects is not so, with a command that runs it again", async () => {
    const result = await play(async (t) => {
      await sync(t);
      t.fail("ACK-MONOTONE", "it is lower", "2", "1");
    });
    expect(result).toMatchObject({
      outcome: Outcome.FAIL,
      findings: [{ requirement: "ACK-MONOTONE", expected: "2", actual: "1", byJudge: false }],
      reproduce: "seqsync check URL --only ack/made-up --codec proto --seed 1",
    });
    expect(result.history.length).toBeGreaterThan(0);
  });

  test("is open if something is missing, and if the run is stopped", async () => {
    const missing = await play(async () => {
      throw new Inconclusive("no way");
    });
    expect(missing).toMatchObject({ outcome: Outcome.INCONCLUSIVE, reason: "no way" });
    const stop = new AbortController();
    const stopped = play(() => new Promise<never>(() => stop.abort()), { signal: stop.signal });
    expect(await stopped).toMatchObject({ outcome: Outcome.INCONCLUSIVE, reason: expect.stringMatching(/stopped/) });
  });
});

test("a case that has ended leaves no signal behind", async () => {
  const signals: WeakRef<AbortSignal>[] = [];
  await play(async ({ signal }) => {
    signals.push(new WeakRef(signal));
  });
  expect(signals).toHaveLength(1);
  await expect.poll(() => alive(signals)).toBe(0);
});

describe("a bug of the suite says nothing about the server", () => {
  const suite = { outcome: Outcome.ERROR, findings: [] };

  test("in a case", async () => {
    const result = await play(async () => {
      throw new TypeError("x is not a function");
    });
    expect(result).toMatchObject(suite);
    expect(result.reason).toMatch(/^the suite itself went wrong; please report this: TypeError: x is not/);
    expect(result.reason).toMatch(/ \(conformance\/run\/run-case\.test\.ts:\d+\)$/);
  });

  test("in a case that throws what is no error", async () => {
    expect(await play(() => Promise.reject("a word"))).toMatchObject(suite);
  });

  test.each(["observe", "finish"] as const)("in the judge's %s, even if the case fails", async (method) => {
    vi.spyOn(Judge.prototype, method).mockImplementation(() => {
      throw new RangeError("the judge is broken");
    });
    const result = await play(async (t) => {
      await sync(t);
      t.fail("ACK-MONOTONE", "it is lower", "2", "1");
    });
    expect(result).toMatchObject(suite);
    expect(result.reason).toMatch(/RangeError: the judge is broken/);
  });

  test("but what the judge saw on the wire stands, though the case then goes wrong", async () => {
    const message = "seen on the wire";
    vi.spyOn(Judge.prototype, "finish").mockReturnValue([
      { requirement: "ACK-MONOTONE", message, expected: "", actual: "", evidence: [] },
    ]);
    const result = await play(async () => {
      throw new TypeError("x is not a function");
    });
    expect(result).toMatchObject({ outcome: Outcome.FAIL, findings: [{ message, byJudge: true }] });
    expect(result.reason).toMatch(/TypeError/);
  });
});

test("accounts are given back, whatever happens", async () => {
  const release = vi.fn();
  await play(() => Promise.reject(new TypeError()), { source: { ...stage.source, release } });
  expect(release).toHaveBeenCalledOnce();
  expect(release.mock.calls[0]?.[0]).toHaveLength(2);
});
