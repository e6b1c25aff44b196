import { describe, expect, it } from "vitest";
import { start } from "../../docs/guides/connect/server.js";
import { Outcome, ReasonCode, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { check } from "../run/check.js";
import { alive } from "./support/garbage.js";
import type { Running } from "./support/serve.js";
import { recipeOf, startRecipe } from "./variants/random-server.js";
import { TIGHT_LIMITS, VARIANTS } from "./variants/variants.js";

/** Number of cases that run against each variant here. The soak runs all cases. */
const SAMPLE = 8;

/**
 * Lists the headline, and each case that did not pass, with its reason and findings. Skips cases that are not
 * applicable or thorough.
 */
function problems({ cases, headline }: Report): string[] {
  const found = cases.flatMap(({ id, outcome, reason, reasonCode, findings }) => {
    if (outcome === Outcome.PASS || outcome === Outcome.NOT_APPLICABLE) return [];
    if (reasonCode === ReasonCode.THOROUGH) return [];
    const why = findings.map(({ requirement, message, actual }) => `${requirement}: ${message}: ${actual}`);
    return [`${Outcome[outcome]} ${id} ${[reason, ...why].join("; ")}`];
  });
  return headline === "" ? found : [headline, ...found];
}

describe("the server of the guide on the Connect library", () => {
  // The soak runs every case.
  it("passes every third case", async () => {
    const server = await start({ fixtures: true });
    const chosen = new Set(CATALOGUE.filter((_case, at) => at % 3 === 0).map(({ id }) => id));
    try {
      const report = await check({ urls: [server.url], seed: 1, select: ({ case: { id } }) => chosen.has(id) });
      expect(problems(report)).toEqual([]);
      expect(report.verdict).toSatisfy((it) => it === Outcome.PASS || it === Outcome.INCONCLUSIVE);
      expect(report.counts?.pass).toBeGreaterThan(80);
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
        const report = await check({
          urls: [server.url],
          ...server.connection,
          seed: index,
          select: ({ case: { id } }) => chosen.has(id),
        });
        expect(problems(report)).toEqual([]);
        expect(report.counts?.pass).toBeGreaterThan(SAMPLE / 8);
      } finally {
        await server.stop();
      }
    },
    120_000,
  );
});

/** Runs one in `of` cases. With tight limits cases may be inconclusive, but must not blame the server. */
async function failures(server: Running, seed: number, of = 6): Promise<{ found: string[]; passed: number }> {
  try {
    const chosen = new Set(CATALOGUE.filter((_case, at) => at % of === seed % of).map(({ id }) => id));
    const report = await check({ urls: [server.url], seed, select: ({ case: { id } }) => chosen.has(id) });
    const failed = report.cases.filter(({ outcome }) => outcome !== Outcome.INCONCLUSIVE);
    return { found: problems({ ...report, cases: failed }), passed: report.counts?.pass ?? 0 };
  } finally {
    await server.stop();
  }
}

describe("a server with tight limits", () => {
  it.each(TIGHT_LIMITS.map((variant, index) => [variant.name, variant, index] as const))(
    "%s: no findings",
    async (_, variant, index) => {
      const { found, passed } = await failures(await variant.start(), index);
      expect(found).toEqual([]);
      expect(passed).toBeGreaterThan(8);
    },
    120_000,
  );
});

// The soak draws many more.
describe("a server drawn at random", () => {
  it.each([1, 2, 3])(
    "seed %d: no findings",
    async (seed) => {
      const recipe = recipeOf(seed);
      const { found } = await failures(await startRecipe(recipe, seed), seed, 12);
      expect(found, JSON.stringify(recipe)).toEqual([]);
    },
    120_000,
  );
});
