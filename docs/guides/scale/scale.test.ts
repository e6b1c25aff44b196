import { describe, expect, it } from "vitest";
import { CORRECT, FAULTY } from "./design.js";
import { simulate } from "./simulate.js";

/** Number of seeds for each design; `main.ts` runs more. */
const SEEDS = 150;
/** Number of seeds with findings after which the runs of a faulty design end. */
const ENOUGH = 4;

describe("inboxes over shards that move and crash", () => {
  it.each(CORRECT)("a correct design has no finding: $name", (design) => {
    let losses = 0;
    let moves = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = simulate(design, seed);
      expect(run.findings, `seed ${seed}`).toEqual([]);
      losses += run.losses;
      moves += run.handedOver + run.takenOver;
    }
    expect(losses).toBeGreaterThan(SEEDS / 2);
    expect(moves).toBeGreaterThan(SEEDS);
  });

  it.each(FAULTY)("a faulty design is detected, and the right requirement is blamed: $name", (design) => {
    const detected: string[][] = [];
    for (let seed = 1; seed <= SEEDS && detected.length < ENOUGH; seed += 1) {
      const { findings } = simulate(design, seed);
      if (findings.length > 0) detected.push(findings.map(({ requirement }) => requirement));
    }
    expect(detected.length).toBe(ENOUGH);
    const right = detected.filter((ids) => design.breaks.some((id) => ids.includes(id)));
    expect(right.length).toBeGreaterThanOrEqual(ENOUGH - 1);
  });

  it("a seed is reproducible", () => {
    const design = CORRECT[0] as (typeof CORRECT)[0];
    expect(simulate(design, 7)).toEqual(simulate(design, 7));
    expect(simulate(design, 8).events).not.toBe(simulate(design, 7).events);
  });
});
