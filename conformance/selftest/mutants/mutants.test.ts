import { describe, expect, test } from "vitest";
import { REQUIREMENTS, type Requirement } from "../../requirements/requirements.js";
import { MUTANTS } from "./index.js";

const registry: [string, Requirement][] = Object.entries(REQUIREMENTS);

describe("the zoo of faulty servers", () => {
  test("has no name twice, and only names that are easy to type", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  test("breaks requirements that there are", () => {
    const known = new Set<string>(registry.map(([id]) => id));
    expect(MUTANTS.filter(({ breaks }) => !known.has(breaks)).map(({ name }) => name)).toEqual([]);
  });

  test("breaks each MUST and SHOULD of servers", () => {
    const broken = new Set<string>(MUTANTS.map(({ breaks }) => breaks));
    const whole = registry.filter(
      ([id, { level, profile }]) => level !== "MAY" && profile !== "CLIENT" && !broken.has(id),
    );
    expect(whole.map(([id]) => id)).toEqual([]);
  });

  test("says what each does, and names threads as owner/repository#number", () => {
    expect(MUTANTS.filter(({ about }) => about.length < 10 || about.endsWith(".")).map(({ name }) => name)).toEqual([]);
    const threads = MUTANTS.flatMap(({ seenIn: wild }) => wild ?? []);
    expect(threads.filter((thread) => !/^[\w.-]+\/[\w.-]+#\d+$/.test(thread))).toEqual([]);
  });
});
