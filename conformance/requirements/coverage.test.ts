import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotate } from "../../.config/requirements/annotate.js";
import { checkIds } from "../../.config/requirements/ids.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "./requirements.js";
import { isCheckable, UNCHECKED } from "./unchecked.js";

const ids = Object.keys(REQUIREMENTS) as RequirementId[];
const checked = new Set(CATALOGUE.flatMap(({ requirements }) => requirements));

describe("traceability", () => {
  it("every requirement on servers has a case, or a reason in UNCHECKED", () => {
    const missing = ids.filter((id) => isCheckable(REQUIREMENTS[id].profile) && !checked.has(id) && !(id in UNCHECKED));
    expect(missing).toEqual([]);
  });

  it("every MUST that has a case has one that runs without --thorough", () => {
    const usual = new Set(CATALOGUE.filter((it) => !it.thorough).flatMap(({ requirements }) => requirements));
    expect([...checked].filter((id) => REQUIREMENTS[id].level === "MUST" && !usual.has(id))).toEqual([]);
  });

  it("UNCHECKED contains no requirement with a case, and gives reasons", () => {
    expect(Object.keys(UNCHECKED).filter((id) => checked.has(id as RequirementId))).toEqual([]);
    for (const reason of Object.values(UNCHECKED)) expect(reason.length).toBeGreaterThan(40);
  });

  it("cases have unique ids within their chapter, and existing requirements", () => {
    expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(CATALOGUE.length);
    for (const { id } of CATALOGUE) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
    expect([...checked].filter((id) => !(id in REQUIREMENTS))).toEqual([]);
  });
});

describe("published ids", () => {
  const before = { "A-ONE": "MUST", "A-TWO": "SHOULD" };
  const now = (id: string, level: "MUST" | "SHOULD") => ({ id, level, profile: "CORE", sentence: "", anchor: "" });

  it("are kept, and new ones are added", () => {
    const list = checkIds(before, [now("A-ONE", "MUST"), now("A-TWO", "SHOULD"), now("A-NEW", "MUST")], "");
    expect(list).toEqual({ ...before, "A-NEW": "MUST" });
  });

  it("are not removed and keep their level, unless the list of changes announces it", () => {
    expect(() => checkIds(before, [now("A-ONE", "MUST")], "")).toThrow("A-TWO was removed");
    expect(() => checkIds(before, [now("A-ONE", "SHOULD"), now("A-TWO", "SHOULD")], "")).toThrow(
      "A-ONE changed from MUST to SHOULD",
    );
    const table = "| **A-TWO** | 1.1 | it had no use |\n";
    expect(checkIds(before, [now("A-ONE", "MUST")], table)).toEqual(before);
    expect(() => checkIds(before, [now("A-ONE", "MUST")], `${table}| **A-NIL** | 1.1 | |\n`)).toThrow(
      "never published",
    );
  });

  it("include all ids of the specification", () => {
    const published = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../.config/requirements/ids.json"), "utf8"),
    );
    expect(Object.keys(published)).toEqual(expect.arrayContaining(ids));
  });
});

describe("the comment above a case", () => {
  const sentences = new Map([["A-ONE", { sentence: "A server MUST be one." }]]);
  const source = ["  {", '    id: "a/one",', '    title: "a title",', '    requirements: ["A-ONE"],', "  },"].join(
    "\n",
  );

  it("is inserted, kept, and removed", () => {
    const annotated = annotate(source, sentences);
    expect(annotated).toContain('    // § A-ONE: A server MUST be one.\n    id: "a/one",');
    expect(annotate(annotated, sentences)).toBe(annotated);
    expect(annotate(annotated, new Map())).toBe(source);
  });
});
