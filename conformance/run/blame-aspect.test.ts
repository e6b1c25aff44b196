import { afterAll, beforeAll, expect, test } from "vitest";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type ReferenceServer, startReferenceServer } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { AccountSource } from "../accounts/source.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { aspectsOf } from "../harness/variation.js";
import type { FormAspect } from "../rpc/forms/aspects.js";
import { Transport } from "../transport/http.js";
import { runAndBlame } from "./blame-aspect.js";
import type { RunContext } from "./run-case.js";
import { probe } from "./target.js";

let server: ReferenceServer;
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

/** Runs a case of 20 requests that fails as `isWrong` says: as if the server handled these requests differently. */
async function runWith(
  isWrong: (applies: (aspect: FormAspect) => boolean, t: Context) => boolean,
  codec = "proto" as const,
  blamedAspects = new Map<string, number>(),
) {
  let runs = 0;
  const it: Case = {
    id: "ack/made-up",
    title: "t",
    requirements: ["ACK-MONOTONE"],
    run: async (t) => {
      runs += 1;
      for (let request = 1; request <= 20; request += 1) {
        const choice = t.session.forms?.next();
        if (isWrong((aspect) => choice?.applies(aspect) ?? false, t))
          t.fail("ACK-MONOTONE", "the ack was lowered", "2", "1");
      }
    },
  };
  const run = { id: it.id, case: it, codec, aspects: new Set(aspectsOf(codec)) };
  const result = await runAndBlame(run, { ...shared, blamedAspects });
  return { result, runs: () => runs };
}

test("a case that passes runs once", async () => {
  const { result, runs } = await runWith(() => false);
  expect(result).toMatchObject({ outcome: Outcome.PASS, varied: [] });
  expect(runs()).toBe(1);
});

test("a case that also fails in the plain form keeps its finding, and its command is for the plain form", async () => {
  const { result, runs } = await runWith(() => true);
  expect(result).toMatchObject({
    findings: [{ requirement: "ACK-MONOTONE", message: "the ack was lowered" }],
    varied: [],
  });
  expect(result.reproduce).toMatch(/--vary none$/);
  expect(runs()).toBe(2);
});

test.each([
  ["chunked", "HTTP-CHUNKED"],
  ["unknown-fields", "HTTP-UNKNOWN-FIELDS"],
  ["scheme", "AUTH-SCHEME"],
  ["packets", "HTTP-BINARY"],
] as const)(
  "a failure that needs %s is blamed as %s, with the aspect in the text and in the command",
  async (aspect, requirement) => {
    const { result } = await runWith((applies) => applies(aspect));
    expect(result.findings).toMatchObject([
      { requirement, message: expect.stringMatching(/^only with .*: the ack was lowered$/) },
    ]);
    expect(result.varied).toEqual([aspect]);
    expect(result.reproduce).toMatch(new RegExp(`--seed 1 --vary ${aspect}$`));
  },
);

test("once three cases have needed an aspect, others are only tried without it", async () => {
  const blamed = new Map<string, number>();
  for (let count = 1; count <= 3; count += 1) await runWith((applies) => applies("chunked"), "proto", blamed);
  expect(blamed).toEqual(new Map([["chunked", 3]]));
  const { result, runs } = await runWith((applies) => applies("chunked"), "proto", blamed);
  expect(runs()).toBe(2);
  expect(result).toMatchObject({ varied: ["chunked"], findings: [{ requirement: "HTTP-CHUNKED" }] });
  expect(result.reproduce).toMatch(/--vary chunked$/);
  const other = await runWith((applies) => applies("scheme"), "proto", blamed);
  expect(other.result.findings[0]?.requirement).toBe("AUTH-SCHEME");
});

test("a failure that needs two aspects names both and keeps its requirement", async () => {
  const { result } = await runWith((applies) => {
    const [chunked, scheme] = [applies("chunked"), applies("scheme")];
    return chunked && scheme;
  });
  expect(result.findings[0]?.requirement).toBe("ACK-MONOTONE");
  expect(result.varied.toSorted()).toEqual(expect.arrayContaining(["chunked", "scheme"]));
});

test("a failure that does not come again is reported as it was seen", async () => {
  let isFirst = true;
  const { result } = await runWith(() => {
    const fails = isFirst;
    isFirst = false;
    return fails;
  });
  expect(result).toMatchObject({
    outcome: Outcome.FAIL,
    findings: [{ requirement: "ACK-MONOTONE", message: "the ack was lowered" }],
    varied: [],
  });
});

test("a failure that comes by chance is not blamed on an aspect", async () => {
  let runs = 0;
  const { result } = await runWith((_, t) => {
    // Fails in every second run, whatever varies.
    if (t.session.forms !== undefined && !seen.has(t)) {
      seen.add(t);
      runs += 1;
    }
    return runs % 2 === 1;
  });
  expect(result.findings[0]?.requirement).toBe("ACK-MONOTONE");
  expect(result.varied).toEqual([]);
});
const seen = new WeakSet<Context>();
