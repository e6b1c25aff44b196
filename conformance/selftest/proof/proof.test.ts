import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";
import { check } from "../../run/check.js";
import { startMutant } from "../mutants/mutant.js";
import { condition, type Draw } from "./condition.js";
import { CONDITIONS } from "./conditions/index.js";
import type { Effect } from "./effect.js";
import { EFFECTS } from "./effects/index.js";
import type { ProofResult } from "./examine.js";
import { faultyServer } from "./faulty-server.js";
import { type FreshMutant, freshMutant } from "./fresh-mutant.js";
import { type Occasion, TARGETS, type Target } from "./occasion.js";
import { countsOf, proofOf, readProof, writeProof } from "./proof-file.js";
import { line, table } from "./table.js";

/** Draws the lowest values. */
const LOWEST: Draw = {
  integer: (from) => from,
  magnitude: (from) => from,
  pick: <T>(list: readonly T[]) => list[0] as T,
};

const numbers = Array.from({ length: 300 }, (_, at) => at + 1);

describe("fresh mutants", () => {
  test("are the same for the same seed and number, and differ otherwise", () => {
    const abouts = (seed: number) => numbers.map((nr) => freshMutant(seed, nr).about);
    expect(abouts(7)).toEqual(abouts(7));
    expect(new Set(abouts(7)).size).toBeGreaterThan(250);
    expect(abouts(8)).not.toEqual(abouts(7));
  });

  test("violate requirements of the registry, that of the form first", () => {
    const fresh = numbers.map((nr) => freshMutant(1, nr));
    expect(fresh.flatMap(({ breaks }) => breaks).filter((id) => !(id in REQUIREMENTS))).toEqual([]);
    const forms = fresh.filter(({ conditions: [first] }) => first?.requirement !== undefined);
    expect(forms.filter(({ breaks, conditions: [first] }) => breaks[0] !== first?.requirement)).toEqual([]);
  });

  test("combine conditions only with effects on what they are about", () => {
    const wrong = numbers
      .map((nr) => freshMutant(2, nr))
      .filter(({ conditions, effect }) => conditions.some(({ targets }) => !targets.includes(effect.target)));
    expect(wrong).toEqual([]);
  });

  test("have effects of the target that they are listed for, and each target has conditions", () => {
    for (const target of TARGETS) {
      expect(EFFECTS[target].map((family) => family(LOWEST).target)).toEqual(EFFECTS[target].map(() => target));
      const conditions = Object.values(CONDITIONS).flat();
      expect(conditions.some((family) => family(LOWEST).targets.includes(target))).toBe(true);
    }
  });
});

/** A mutant with one effect and one condition. */
const mutantOf = (effect: Effect, matches: (occasion: Occasion) => boolean): FreshMutant => ({
  nr: 1,
  name: "fresh-test",
  about: effect.about,
  conditions: [condition("count", [effect.target], "tested", matches)],
  effect,
  breaks: effect.breaks,
});

const effectOf = (target: Target, about: RegExp): Effect => {
  const found = EFFECTS[target].map((family) => family(LOWEST)).find((it) => about.test(it.about));
  if (found === undefined) throw new Error(`no effect on ${target} matches ${about}`);
  return found;
};

/** Runs a few cases against a mutant. */
async function run(fresh: FreshMutant, cases: readonly string[]) {
  const { mutant, traffic } = faultyServer(fresh);
  const server = await startMutant(mutant, { fixtures: true });
  try {
    const select = ({ case: { id } }: { case: { id: string } }) => cases.includes(id);
    const report = await check({ urls: server.urls, seed: 1, select, vary: [], codecs: ["proto"] });
    return {
      traffic,
      ids: report.cases.map(({ id }) => id),
      failed: report.cases.filter(({ outcome }) => outcome === Outcome.FAIL).map(({ id }) => id),
      blamed: report.cases.flatMap(({ findings }) => findings.map(({ requirement }) => requirement as string)),
    };
  } finally {
    await server.close(0);
  }
}

describe("the server of a fresh mutant", () => {
  test("is right as long as the condition does not hold", async () => {
    const cases = ["send/retry-within-window", "ack/sync-acks-through-cli-seq", "epoch/mismatch", "watch/new-epoch"];
    for (const target of TARGETS) {
      const [family] = EFFECTS[target];
      if (family === undefined) continue;
      const { traffic, failed } = await run(
        mutantOf(family(LOWEST), () => false),
        cases,
      );
      expect(failed, target).toEqual([]);
      expect([traffic.fired, traffic.shown], target).toEqual([0, 0]);
    }
  });

  test.each<[Target, RegExp, string]>([
    ["send", /accepted, but not stored/, "send/there-once-answered"],
    ["sync", /there twice/, "ack/sync-acks-through-cli-seq"],
    ["rotation", /numbering goes on/, "epoch/restarts-at-1"],
  ])("counts that a fault of a %s occurred and was shown: %s", async (target, about, id) => {
    const effect = effectOf(target, about);
    const { traffic, ids, blamed } = await run(
      mutantOf(effect, () => true),
      [id],
    );
    expect(ids).toEqual([id]);
    expect(traffic.occasions).toBeGreaterThan(0);
    expect(traffic.fired).toBeGreaterThan(0);
    expect(traffic.shown).toBeGreaterThan(0);
    expect(blamed.some((it) => effect.breaks.some((id) => id === it))).toBe(true);
  });
});

describe("the result", () => {
  const attempt = {
    mechanism: "varied",
    blamed: [],
    occasions: 9,
    fired: 0,
    shown: 0,
    timedOut: 0,
    seconds: 1,
  } as const;
  const result = (nr: number, change: Partial<ProofResult> = {}, counts = {}): ProofResult => ({
    nr,
    about: "a message is lost if it is a test",
    conditions: ["count"],
    effect: "lost",
    target: "send",
    breaks: ["SEND-VISIBLE"],
    killedBy: "",
    isBlamedRightly: false,
    attempts: [{ ...attempt, blamed: [], ...counts }],
    errors: [],
    ...change,
  });
  const results = [
    result(1, { killedBy: "varied", isBlamedRightly: true }, { fired: 1, shown: 1, blamed: ["SEND-VISIBLE"] }),
    result(2, { killedBy: "varied" }, { fired: 1, shown: 1, blamed: ["SYNC-BASE"] }),
    result(3, {}, { fired: 2, shown: 1 }),
    result(4, {}, { fired: 2 }),
    result(5, {}, { timedOut: 3 }),
  ];

  test("counts the survivors by what their servers have seen", () => {
    expect(countsOf(results)).toEqual({ mutants: 5, killed: 2, blamedRightly: 1, shown: 1, unseen: 1, never: 1 });
  });

  test("lists the survivors, those with a wrong blame, and the rates", () => {
    const text = table(results, 7, ["varied"]);
    expect(text).toContain(
      "SURVIVED (shown)      3 a message is lost if it is a test [SEND-VISIBLE; 2 of 9, shown 1; 1 s]",
    );
    expect(text).toContain("blamed: SYNC-BASE");
    expect(text).toContain("Seed 7: 2 of 5 fresh mutants killed (40 %): varied 2; right blame for 1 of these (50 %).");
    expect(text).toContain("Of the 3 whose fault a client could see, 2 were killed (67 %).");
    expect(line(results[4] as ProofResult)).toContain("3 cases ran out of time");
  });

  test("is read as it was written", () => {
    const folder = mkdtempSync(join(tmpdir(), "seqsync-proof-"));
    try {
      const file = join(folder, "proof.json");
      const proof = proofOf(results, { date: "2026-01-02T03:04:05.678Z", seed: 7, seconds: 9, mechanisms: ["varied"] });
      writeProof(file, proof);
      expect(readProof(file)).toEqual(proof);
      expect(proof.survivors.map(({ nr, why }) => [nr, why])).toEqual([
        [3, "shown"],
        [4, "unseen"],
        [5, "never"],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
