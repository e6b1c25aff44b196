import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../cases/catalogue.js";
import { caseRuns } from "./case-run.js";
import { withVariation } from "./varied-runs.js";

const BOTH = caseRuns(CATALOGUE, ["proto", "json"]);
const options = { seed: 7, vary: undefined, isThorough: false };

describe("what varies by default", () => {
  test("is one of the two runs of a case, and the seed chooses which", () => {
    const runs = withVariation(BOTH, options);
    expect(runs.map(({ id }) => id)).toEqual(BOTH.map(({ id }) => id));
    for (const { case: it } of runs.filter((run) => run.id.endsWith(" (json)")))
      expect(runs.filter((run) => run.case === it && run.aspects !== undefined)).toHaveLength(1);
    const chosen = (seed: number) =>
      withVariation(BOTH, { ...options, seed })
        .filter(({ aspects }) => aspects !== undefined)
        .map(({ id }) => id);
    expect(chosen(7)).toEqual(chosen(7));
    expect(chosen(7)).not.toEqual(chosen(8));
    const codecs = new Set(runs.filter(({ aspects }) => aspects).map(({ codec }) => codec));
    expect([...codecs].toSorted()).toEqual(["json", "proto"]);
  });

  test("is a second run where there is one codec only, with ids of their own", () => {
    const one = caseRuns(CATALOGUE, ["proto"]);
    const runs = withVariation(one, options);
    const second = runs.filter(({ id }) => id.endsWith(" (varied)"));
    expect(second.length).toBeGreaterThan(150);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
    expect(second.every(({ case: it }) => !it.bulk && it.codec === undefined)).toBe(true);
    const plain = runs.filter(({ aspects }) => aspects === undefined);
    expect(plain.map(({ id }) => id)).toEqual(one.map(({ id }) => id));
  });

  test("is in a thorough run a second run of each case that runs once", () => {
    const runs = withVariation(BOTH, { ...options, isThorough: true });
    const once = BOTH.filter(
      ({ case: it }) => (it.codec ?? it.undeclared ?? it.bulk) && (it.thorough === undefined || it.waits),
    );
    expect(runs.filter(({ id }) => id.endsWith(" (varied)"))).toHaveLength(once.length);
  });
});

describe("what varies by request", () => {
  test("is the same in every run, as far as its codec has it", () => {
    const runs = withVariation(BOTH, { ...options, vary: new Set(["chunked", "escapes"]) });
    expect(runs).toHaveLength(BOTH.length);
    expect(
      new Set(runs.filter(({ codec }) => codec === "proto").map(({ aspects }) => [...(aspects ?? [])].join())),
    ).toEqual(new Set(["chunked"]));
    expect(runs.find(({ codec }) => codec === "json")?.aspects).toEqual(new Set(["chunked", "escapes"]));
  });

  test("is nothing for an empty list", () => {
    expect(withVariation(BOTH, { ...options, vary: new Set() }).some(({ aspects }) => aspects !== undefined)).toBe(
      false,
    );
  });
});
