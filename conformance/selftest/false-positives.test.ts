import { describe, expect, it } from "vitest";
import { start } from "../../docs/guides/connect/server.js";
import { Outcome, ReasonCode, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { check } from "../run/check.js";
import { alive } from "./support/garbage.js";
import { TIGHT_LIMITS, VARIANTS } from "./variants/variants.js";

/** Number of cases that run against each variant here. The soak runs all cases. */
const SAMPLE = 16;

/**
 * Lists the headline, and each case that did not pass, with its reason and findings. Skips cases that are not
 * applicable or slow.
 */
function problems({ cases, headline }: Report): string[] {
  const found = cases.flatMap(({ id, outcome, reason, reasonCode, findings }) => {
    if (outcome === Outcome.PASS || outcome === Outcome.NOT_APPLICABLE) return [];
    if (reasonCode === ReasonCode.SLOW) return [];
    const why = findings.map(({ requirement, message, actual }) => `${requirement}: ${message}: ${actual}`);
    return [`${Outcome[outcome]} ${id} ${[reason, ...why].join("; ")}`];
  });
  return headline === "" ? found : [headline, ...found];
}

describe("the server of the guide on the Connect library", () => {
  it("passes every case", async () => {
    const server = await start({ fixtures: true });
    try {
      const report = await check({ urls: [server.url], seed: 1 });
      expect(problems(report)).toEqual([]);
      expect(report.verdict).toSatisfy((it) => it === Outcome.PASS || it === Outcome.INCONCLUSIVE);
      expect(report.counts?.pass).toBeGreaterThan(250);
    } finally {
      await server.stop();
    }
  }, 180_000);

  // With such frequent frames, most clients disconnect while one is being written.
  it("releases the slot and the memory of a Watch whose client disconnects", async () => {
    const signals: WeakRef<AbortSignal>[] = [];
    const { any } = AbortSignal;
    AbortSignal.any = (sources) => {
      const made = any.call(AbortSignal, sources);
      signals.push(new WeakRef(made));
      return made;
    };
    const server = await start({ fixtures: true, heartbeatMs: 2 });
    try {
      const report = await check({
        urls: [server.url],
        seed: 1,
        select: ({ case: { id } }) => id === "watch/opened-often" || id === "auth/revoked-watch-ends",
      });
      expect(problems(report)).toEqual([]);
      expect(report.counts?.pass).toBe(3); // one in both codecs
    } finally {
      await server.stop();
      AbortSignal.any = any;
    }
    expect(signals.length).toBeGreaterThan(256);
    await expect.poll(() => alive(signals)).toBe(0);
  }, 120_000);
});

// Not concurrent: some checks have deadlines of seconds, and this process is client and server.
describe("a variant", () => {
  it.each(VARIANTS.map((variant, index) => [variant.name, variant, index] as const))(
    "%s: has no findings",
    async (_, variant, index) => {
      const likely = CATALOGUE.filter(({ id }) => variant.affects.test(id));
      // A sample that differs between the variants, so that together they run nearly all cases.
      const step = Math.max(1, Math.floor((2 * likely.length) / SAMPLE)); // each runs in two codecs
      const chosen = new Set(likely.filter((_case, position) => position % step === index % step).map(({ id }) => id));
      const server = await variant.start();
      try {
        const report = await check({ urls: [server.url], seed: index, select: ({ case: { id } }) => chosen.has(id) });
        expect(problems(report)).toEqual([]);
        expect(report.counts?.pass).toBeGreaterThan(SAMPLE / 8);
      } finally {
        await server.stop();
      }
    },
    120_000,
  );
});

// With such limits cases may be inconclusive, but must not blame the server.
describe("a server with tight limits", () => {
  it.each(TIGHT_LIMITS.map((variant, index) => [variant.name, variant, index] as const))(
    "%s: no findings",
    async (_, variant, index) => {
      const server = await variant.start();
      try {
        const third = new Set(CATALOGUE.filter((_case, at) => at % 3 === index % 3).map(({ id }) => id));
        const report = await check({ urls: [server.url], seed: index, select: ({ case: { id } }) => third.has(id) });
        const failed = report.cases.filter(({ outcome }) => outcome !== Outcome.INCONCLUSIVE);
        expect(problems({ ...report, cases: failed })).toEqual([]);
        expect(report.counts?.pass).toBeGreaterThan(20);
      } finally {
        await server.stop();
      }
    },
    120_000,
  );
});
