import { describe, expect, test } from "vitest";
import { REQUIREMENTS, type Requirement } from "../../requirements/requirements.js";
import { MUTANTS } from "./index.js";

const registry: [string, Requirement][] = Object.entries(REQUIREMENTS);

describe("mutants", () => {
  test("have unique names in lower case with hyphens", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  test("break requirements of the registry", () => {
    const known = new Set<string>(registry.map(([id]) => id));
    expect(MUTANTS.filter(({ breaks }) => !known.has(breaks)).map(({ name }) => name)).toEqual([]);
  });

  test("break each MUST and SHOULD for servers at least once", () => {
    const broken = new Set<string>(MUTANTS.map(({ breaks }) => breaks));
    const unbroken = registry.filter(
      ([id, { level, profile }]) => level !== "MAY" && profile !== "CLIENT" && !broken.has(id),
    );
    expect(unbroken.map(([id]) => id)).toEqual([]);
  });

  test("have a description without a full stop, and name threads as owner/repository#number", () => {
    expect(MUTANTS.filter(({ about }) => about.length < 10 || about.endsWith(".")).map(({ name }) => name)).toEqual([]);
    const threads = MUTANTS.flatMap(({ seenIn }) => seenIn ?? []);
    expect(threads.filter((thread) => !/^[\w.-]+\/[\w.-]+#\d+$/.test(thread))).toEqual([]);
  });
});
