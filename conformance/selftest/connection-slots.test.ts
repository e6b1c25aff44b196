import { describe, expect, it } from "vitest";
import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../reference-server/index.js";
import { check } from "../run/check.js";
import type { CheckPlan } from "../run/check-options.js";
import { type Beyond, startWithSlots } from "./support/connection-slots.js";

const SLOTS = 64;

/** Checks some chapters against a server with so many slots. */
async function run(slots: number, beyond: Beyond) {
  const server = await startReferenceServer({ fixtures: true });
  const front = await startWithSlots({ url: server.url, stop: () => server.close(0) }, slots, beyond);
  let plan: CheckPlan | undefined;
  try {
    const report = await check({
      urls: [front.url],
      seed: 1,
      select: ({ case: { id } }) => /^(watch|ack)\//.test(id),
      onStart: (it) => {
        plan = it;
      },
    });
    const failed = report.cases.filter(({ outcome }) => outcome === Outcome.FAIL).map(({ id }) => id);
    return { failed, passed: report.counts?.pass ?? 0, connections: plan?.connections };
  } finally {
    await front.stop();
  }
}

describe("a server that serves few connections at once", () => {
  it.each<[string, Beyond]>([
    ["leaves further ones waiting", "waits"],
    ["closes further ones", "closes"],
  ])("and %s is not blamed", async (_, beyond) => {
    const { failed, passed, connections } = await run(SLOTS, beyond);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(60);
    // Three quarters of what it serves, of which some may be in use at the start.
    expect(connections).toBeGreaterThan(SLOTS / 2);
    expect(connections).toBeLessThanOrEqual((SLOTS * 3) / 4);
  });

  it("is not asked for a limit if it serves many", async () => {
    const { failed, connections } = await run(10_000, "closes");
    expect([failed, connections]).toEqual([[], undefined]);
  });
});
