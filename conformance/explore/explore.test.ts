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
import { type Exploration, type ExploreOptions, explore } from "./explore.js";
import { programs } from "./program.js";

/** Explores a server that is there. */
async function exploreAt(urls: readonly string[], options: Partial<ExploreOptions>): Promise<Exploration> {
  const transport = new Transport({ urls });
  try {
    const greeting = await probe(transport);
    const source = await fixtureAccounts(transport, {});
    if ("problem" in greeting || "unavailable" in source) throw new Error("the server under test is not there");
    return await explore({ urls, info: greeting.info, source, runs: 500, seed: 1, faults: "heavy", ...options });
  } finally {
    await transport.close();
  }
}

describe("a right server", () => {
  it.each(["none", "light", "heavy"] as const)("survives a network with faults: %s", async (faults) => {
    const server = await startReferenceServer({ fixtures: true });
    try {
      const { failure, programs: count } = await exploreAt([server.url], { runs: 150, faults });
      expect(failure?.findings ?? []).toEqual([]);
      expect(count).toBe(150);
    } finally {
      await server.close(0);
    }
  });

  it("is asked so much that no rule is left out", async () => {
    const server = await startReferenceServer({ fixtures: true });
    try {
      const { applied, faults } = await exploreAt([server.url], { runs: 200 });
      expect([...applied].filter(([, times]) => times === 0)).toEqual([]);
      expect(Object.values(faults).filter((times) => times === 0)).toEqual([]);
    } finally {
      await server.close(0);
    }
  });
});

/** How else such a fault may look from outside, which depends on what overlaps: as seen in 400 programs of each. */
const LOOKS_LIKE: Readonly<Record<string, readonly RequirementId[]>> = {
  // Where the message that is not there yet is the only one of its page, the page is empty.
  "race-seq-before-message": ["PAGE-PROGRESS"],
  // Whoever asks after the ack went back is given again what was acked.
  "race-ack-read-then-written": ["ACK-NO-REDELIVERY"],
  // A late write of a Sync that was answered long ago cannot be told from an ack that was not kept.
  "race-ack-written-behind": ["ACK-IMPLICIT", "ACK-NO-REDELIVERY"],
  // Two appends of one Send, of which the first was never answered, or only with what the second needs.
  "race-dedup-check-then-insert": ["SEND-RETRY", "SEND-ID-REUSED"],
  // The other sender is answered with a message that is not its own.
  "race-dedup-locks-by-id": ["SEND-RETRY", "SEND-ID-REUSED", "SEND-VISIBLE"],
  // Where all between the old base and the new one has been freed, the page has a place and nothing in it.
  "race-page-base-read-first": ["SYNC-NEXT"],
  // The old answer tells an svr_seq that another answer, or a Watch, has told to be higher.
  "race-answer-cached-by-cursor": ["SEQ-MONOTONE", "WATCH-SYNC"],
};

/** Its late write needs steps that only pass the time: not held to ten. */
const LONG = "race-ack-written-behind";

describe("faults that show only under concurrency", () => {
  it.each(concurrency)("$name is found, blamed on $breaks, and made short", { timeout: 240_000 }, async (fault) => {
    const server = await startMutant(fault, { fixtures: true });
    try {
      const shrinkMs = fault.name === LONG ? 5000 : 60_000;
      const { failure } = await exploreAt([server.url], { runs: 500, shrinkMs, rotate: false });
      const looks: readonly string[] = [fault.breaks, ...(LOOKS_LIKE[fault.name] ?? [])];
      const blamed = failure?.findings.map(({ requirement }) => requirement) ?? [];
      expect(blamed.filter((id) => looks.includes(id))).not.toEqual([]);
      // What never comes again on a busy machine is reported as it was found, and says so.
      if (failure !== undefined && failure.repeated.failed > 0 && fault.name !== LONG)
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
    watch: true,
    maxPayloadBytes: 1000,
    steps: 24,
  });

  it("stands for the same programs everywhere", () => {
    const [first] = fc.sample(generator, { seed: 42, numRuns: 1 });
    // Written down here: another machine, another day, the same program.
    expect(first?.slice(0, 2)).toMatchInlineSnapshot(`
      [
        {
          "begins": "in-turn",
          "fault": "none",
          "operation": {
            "from": 0,
            "id": "new",
            "kind": "send",
            "size": 1,
            "to": 0,
          },
        },
        {
          "begins": "after",
          "fault": "delay",
          "operation": {
            "account": 1,
            "cursor": "own",
            "device": 0,
            "epoch": "own",
            "kind": "sync",
            "pageSize": 1,
            "store": true,
          },
        },
      ]
    `);
  });

  it("and a path stand for the program that failed, which fails again", async () => {
    // One that is wrong each time: whether a race shows again is not for a seed to say.
    const fault = ack.find(({ name }) => name === "ack-on-answer");
    if (fault === undefined) throw new Error("there is no fault to find");
    const server = await startMutant(fault, { fixtures: true });
    try {
      const { failure } = await exploreAt([server.url], { runs: 500, shrinkMs: 5000 });
      if (failure === undefined) throw new Error("nothing was found");
      expect(failure.repeated).toEqual({ failed: 5, of: 5 });
      const again = await exploreAt([server.url], { runs: 1, seed: failure.seed, path: failure.path });
      expect(again.failure?.steps).toEqual(failure.steps);
      expect(again.failure?.findings.map(({ requirement }) => requirement)).toContain("ACK-NOT-ON-ANSWER");
    } finally {
      await server.close(0);
    }
  });
});
