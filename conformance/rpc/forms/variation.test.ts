import { describe, expect, test } from "vitest";
import { FORM_ASPECTS, type FormAspect } from "./aspects.js";
import { FormVariation } from "./variation.js";

const ALL = FORM_ASPECTS.map(({ name }) => name);

/** The aspects that apply to each of 300 requests, and a random number of each. */
function choicesOf(seed: number, name: string, aspects: readonly FormAspect[]) {
  const forms = new FormVariation(seed, name, new Set(aspects));
  return Array.from({ length: 300 }, () => {
    const choice = forms.next();
    return Object.fromEntries(
      ALL.filter((it) => choice?.applies(it)).map((it): [string, number | undefined] => [it, choice?.random(it)()]),
    );
  });
}

describe("the forms of a run", () => {
  test("depend on the seed and the run only", () => {
    expect(choicesOf(1, "a", ALL)).toEqual(choicesOf(1, "a", ALL));
    expect(choicesOf(1, "a", ALL)).not.toEqual(choicesOf(2, "a", ALL));
    expect(choicesOf(1, "a", ALL)).not.toEqual(choicesOf(1, "b", ALL));
  });

  test("are the same for one aspect whether others vary or not", () => {
    const all = choicesOf(1, "a", ALL);
    for (const aspect of ALL) {
      const alone = choicesOf(1, "a", [aspect]);
      expect(alone.map((it) => it[aspect])).toEqual(all.map((it) => it[aspect]));
      expect(alone.some((it) => it[aspect] !== undefined)).toBe(true);
    }
  });

  test("are plain without an aspect", () => {
    expect(new FormVariation(1, "a", new Set(["payloads"])).next()).toBeUndefined();
  });

  test("record which aspects applied", () => {
    const forms = new FormVariation(1, "a", new Set(ALL));
    expect(forms.used.size).toBe(0);
    const applied = ALL.filter((aspect) => forms.next()?.applies(aspect));
    expect([...forms.used]).toEqual(applied);
    expect(applied.length).toBeGreaterThan(0);
  });
});
