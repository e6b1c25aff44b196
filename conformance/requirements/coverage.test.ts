import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotate } from "../../.config/requirements/annotate.js";
import { checkIds } from "../../.config/requirements/ids.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "./requirements.js";
import { isJudgeable, LEDGER } from "./unchecked.js";

const ids = Object.keys(REQUIREMENTS) as RequirementId[];
const checked = new Set(CATALOGUE.flatMap(({ requirements }) => requirements));

describe("traceability", () => {
  it("each requirement that a server can break has a case, or the ledger says why not", () => {
    const bare = ids.filter((id) => isJudgeable(REQUIREMENTS[id].profile) && !checked.has(id) && !(id in LEDGER));
    expect(bare).toEqual([]);
  });

  it("the ledger holds nothing that has a case, and gives a reason for what it holds", () => {
    expect(Object.keys(LEDGER).filter((id) => checked.has(id as RequirementId))).toEqual([]);
    for (const reason of Object.values(LEDGER)) expect(reason.length).toBeGreaterThan(40);
  });

  it("cases have ids of their own, below their chapter, and name requirements that exist", () => {
    expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(CATALOGUE.length);
    for (const { id } of CATALOGUE) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
    expect([...checked].filter((id) => !(id in REQUIREMENTS))).toEqual([]);
  });
});

describe("given ids", () => {
  const was = { "A-ONE": "MUST", "A-TWO": "SHOULD" };
  const now = (id: string, level: "MUST" | "SHOULD") => ({ id, level, profile: "CORE", sentence: "", anchor: "" });

  it("stay, and new ones are added", () => {
    const list = checkIds(was, [now("A-ONE", "MUST"), now("A-TWO", "SHOULD"), now("A-NEW", "MUST")], "");
    expect(list).toEqual({ ...was, "A-NEW": "MUST" });
  });

  it("do not vanish or change their level unannounced", () => {
    expect(() => checkIds(was, [now("A-ONE", "MUST")], "")).toThrow("A-TWO has vanished");
    expect(() => checkIds(was, [now("A-ONE", "SHOULD"), now("A-TWO", "SHOULD")], "")).toThrow("A-ONE was a MUST");
    const table = "| **A-TWO** | 1.1 | it was of no use |\n";
    expect(checkIds(was, [now("A-ONE", "MUST")], table)).toEqual(was);
    expect(() => checkIds(was, [now("A-ONE", "MUST")], `${table}| **A-NIL** | 1.1 | |\n`)).toThrow("never there");
  });

  it("are those of the specification", () => {
    const given = JSON.parse(readFileSync(join(import.meta.dirname, "../../.config/requirements/ids.json"), "utf8"));
    expect(Object.keys(given)).toEqual(expect.arrayContaining(ids));
  });
});

describe("the sentence above a case", () => {
  const sentences = new Map([["A-ONE", { sentence: "A server MUST be one." }]]);
  const source = ["  {", '    id: "a/one",', '    title: "it is one",', '    requirements: ["A-ONE"],', "  },"].join(
    "\n",
  );

  it("is written once, and again only when it has changed", () => {
    const annotated = annotate(source, sentences);
    expect(annotated).toContain('    // § A-ONE: A server MUST be one.\n    id: "a/one",');
    expect(annotate(annotated, sentences)).toBe(annotated);
    expect(annotate(annotated, new Map())).toBe(source);
  });
});
