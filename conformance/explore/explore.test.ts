import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import type { RequirementId } from "../requirements/requirements.js";
import { probe } from "../run/target.js";
import { ack } from "../selftest/mutants/ack.js";
import { concurrency } from "../selftest/mutants/concurrency.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { Transport } from "../transport/http.js";
import { type Exploration, type ExplorationOptions, runExploration } from "./explore.js";
import { programs } from "./generate.js";

/** Explores a running server. */
async function exploreAt(urls: readonly string[], options: Partial<ExplorationOptions>): Promise<Exploration> {
  const transport = new Transport({ urls });
  try {
    const probed = await probe(transport);
    const source = await fixtureAccounts(transport, {});
    if ("problem" in probed || "unavailable" in source) throw new Error("the server under test is not ready");
    return await runExploration({ urls, info: probed.info, source, runs: 500, seed: 1, faults: "heavy", ...options });
  } finally {
    await transport.close();
  }
}

describe("the reference server", () => {
  it.each(["none", "light", "heavy"] as const)("has no violations on a network with faults: %s", async (faults) => {
    const server = await startReferenceServer({ fixtures: true });
    try {
      const { failure, programs: count } = await exploreAt([server.url], { runs: 150, faults });
      expect(failure?.findings ?? []).toEqual([]);
      expect(count).toBe(150);
    } finally {
      await server.close(0);
    }
  });

  it("receives programs that exercise every rule and every network fault", async () => {
    const server = await startReferenceServer({ fixtures: true });
    try {
      const { exercised: applied, faults } = await exploreAt([server.url], { runs: 200 });
      expect([...applied].filter(([, times]) => times === 0)).toEqual([]);
      expect(Object.values(faults).filter((times) => times === 0)).toEqual([]);
    } finally {
      await server.close(0);
    }
  });
});

/** Other violations that a mutant may show, depending on which calls overlap: those seen in 400 programs of each. */
const OTHER_VIOLATIONS: Readonly<Record<string, readonly RequirementId[]>> = {
  // If the missing message is the only one of its page, the page is empty.
  "race-seq-before-message": ["PAGE-PROGRESS"],
  // A Sync after the ack was lowered delivers acked messages again.
  "race-ack-read-then-written": ["ACK-NO-REDELIVERY"],
  // A late write of an earlier Sync looks like an ack that was not stored.
  "race-ack-written-behind": ["ACK-IMPLICIT", "ACK-NO-REDELIVERY"],
  // A Send is stored twice, and the first attempt had no response, or one that fits the second.
  "race-dedup-check-then-insert": ["SEND-RETRY", "SEND-ID-REUSED"],
  // The other sender gets the response of a message that is not its own.
  "race-dedup-locks-by-id": ["SEND-RETRY", "SEND-ID-REUSED", "SEND-VISIBLE"],
  // If all messages between the old base and the new one were deleted, the page has room and is empty.
  "race-page-base-read-first": ["SYNC-NEXT"],
  // The cached response has a lower svr_seq than an earlier response or frame.
  "race-answer-cached-by-cursor": ["SEQ-MONOTONE", "WATCH-SYNC"],
};

/** A mutant that does not shrink to few steps: its late write needs further steps that only take time. */
const LONG = "race-ack-written-behind";

/** Mutants that take half a minute each. They are tested with SEQSYNC_TEST_ALL=1, as every night. */
const RARE = ["race-ack-read-then-written", "race-dedup-check-then-insert", "race-watch-looks-first"];
const races = concurrency.filter(({ name }) => process.env["SEQSYNC_TEST_ALL"] === "1" || !RARE.includes(name));

describe("mutants that fail only under concurrency", () => {
  it.each(races)("$name is found, blamed on $breaks, and shrunk", { timeout: 240_000 }, async (mutant) => {
    const server = await startMutant(mutant, { fixtures: true });
    try {
      const shrinkMs = mutant.name === LONG ? 5000 : 60_000;
      // Plain requests are faster, and a race needs nothing else.
      const { failure } = await exploreAt([server.url], { runs: 1500, shrinkMs, rotate: false, vary: [] });
      const accepted: readonly string[] = [mutant.breaks, ...(OTHER_VIOLATIONS[mutant.name] ?? [])];
      const blamed = failure?.findings.map(({ requirement }) => requirement) ?? [];
      expect(blamed.filter((id) => accepted.includes(id))).not.toEqual([]);
      // A race that does not recur on a busy machine is reported without shrinking.
      if (failure !== undefined && failure.reruns.failed > 0 && mutant.name !== LONG)
        expect(failure.steps.length).toBeLessThanOrEqual(10);
    } finally {
      await server.close(0);
    }
  });
});

describe("a seed", () => {
  const generator = programs({
    accounts: 2,
    devices: 2,
    faults: "heavy",
    rotate: true,
    revoke: true,
    watch: true,
    json: true,
    maxPayloadBytes: 1000,
    parts: 16,
  });

  it("determines the programs", () => {
    const [first] = fc.sample(generator, { seed: 42, numRuns: 1 });
    // The same program on every machine.
    expect(first && { ...first, steps: first.steps.slice(0, 2) }).toMatchInlineSnapshot(`
      {
        "steps": [
          {
            "begins": "after",
            "fault": "reset-after-head",
            "look": 2147483646,
            "operation": {
              "codec": "proto",
              "from": 1,
              "id": "repeat",
              "kind": "send",
              "size": 8,
              "to": 1,
            },
          },
          {
            "begins": "after",
            "fault": "none",
            "look": 2,
            "operation": {
              "codec": "json",
              "from": 0,
              "id": "others",
              "kind": "send",
              "size": 7,
              "to": 0,
            },
          },
        ],
        "variation": 2147483646,
      }
    `);
  });

  it("and a path determine the failing program, which fails again", async () => {
    // A mutant without a race: a seed does not determine whether a race recurs.
    const mutant = ack.find(({ name }) => name === "ack-on-answer");
    if (mutant === undefined) throw new Error("there is no such mutant");
    const server = await startMutant(mutant, { fixtures: true });
    try {
      // Plain requests are faster, and a race needs nothing else.
      const { failure } = await exploreAt([server.url], { runs: 500, shrinkMs: 5000 });
      if (failure === undefined) throw new Error("nothing was found");
      expect(failure.reruns).toEqual({ failed: 5, of: 5 });
      const rerun = await exploreAt([server.url], { runs: 1, seed: failure.seed, path: failure.path });
      expect(rerun.failure?.steps).toEqual(failure.steps);
      expect(rerun.failure?.findings.map(({ requirement }) => requirement)).toContain("ACK-NOT-ON-ANSWER");
    } finally {
      await server.close(0);
    }
  });
});
