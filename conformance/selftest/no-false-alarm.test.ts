import { describe, expect, it } from "vitest";
import { start } from "../../docs/guides/connect/server.js";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { run } from "../run/run.js";
import { alive } from "./support/garbage.js";
import { VARIANTS } from "./variants/variants.js";

/** How many cases an oddity meets here. A soak has the time to let it meet all. */
const SAMPLE = 16;

/** What cannot be held against a server, though it was not checked: the suite was not asked to take its time. */
const SLOW = /takes long by its nature/;

/** Every case that found fault with the server, or could not be told, with what it said. */
function complaints({ cases, headline }: Report): string[] {
  const found = cases.flatMap(({ id, outcome, reason, findings }) => {
    if (outcome === Outcome.PASS || outcome === Outcome.NOT_APPLICABLE) return [];
    if (outcome === Outcome.INCONCLUSIVE && SLOW.test(reason)) return [];
    const why = findings.map(({ requirement, message, actual }) => `${requirement}: ${message}: ${actual}`);
    return [`${Outcome[outcome]} ${id} ${[reason, ...why].join("; ")}`];
  });
  return headline === "" ? found : [headline, ...found];
}

describe("a server written from the specification alone, with Connect's library", () => {
  it("passes wholly", async () => {
    const server = await start({ fixtures: true });
    try {
      const report = await run({ urls: [server.url], seed: 1 });
      expect(complaints(report)).toEqual([]);
      expect(report.verdict).toSatisfy((it) => it === Outcome.PASS || it === Outcome.INCONCLUSIVE);
      expect(report.counts?.pass).toBeGreaterThan(250);
    } finally {
      await server.stop();
    }
  }, 180_000);

  // With frames this often, most clients leave while one is being written.
  it("gives the place back of everybody who leaves a Watch, and keeps nothing", async () => {
    const signals: WeakRef<AbortSignal>[] = [];
    const { any } = AbortSignal;
    AbortSignal.any = (sources) => {
      const made = any.call(AbortSignal, sources);
      signals.push(new WeakRef(made));
      return made;
    };
    const server = await start({ fixtures: true, heartbeatMs: 2 });
    try {
      const report = await run({
        urls: [server.url],
        seed: 1,
        select: ({ case: { id } }) => id === "watch/opened-often" || id === "auth/revoked-watch-ends",
      });
      expect(complaints(report)).toEqual([]);
      expect(report.counts?.pass).toBe(3); // one in both codecs
    } finally {
      await server.stop();
      AbortSignal.any = any;
    }
    expect(signals.length).toBeGreaterThan(256);
    await expect.poll(() => alive(signals)).toBe(0);
  }, 120_000);
});

// One after the other: deadlines of seconds are part of what is checked, and this process plays both sides.
describe("a server that is odd in a way that the specification allows", () => {
  it.each(VARIANTS.map((oddity, index) => [oddity.name, oddity, index] as const))(
    "%s: nothing is said against it",
    async (_, oddity, index) => {
      const likely = CATALOGUE.filter(({ id }) => oddity.upsets.test(id));
      // Spread over the catalogue, and beginning elsewhere for each, so that together they meet nearly all.
      const step = Math.max(1, Math.floor((2 * likely.length) / SAMPLE)); // each runs in two codecs
      const chosen = new Set(likely.filter((_case, at) => at % step === index % step).map(({ id }) => id));
      const server = await oddity.start();
      try {
        const report = await run({ urls: [server.url], seed: index, select: ({ case: { id } }) => chosen.has(id) });
        expect(complaints(report)).toEqual([]);
        expect(report.counts?.pass).toBeGreaterThan(SAMPLE / 8);
      } finally {
        await server.stop();
      }
    },
    120_000,
  );
});
