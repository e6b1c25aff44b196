import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../cases/catalogue.js";
import { MUTANTS } from "../mutants/index.js";
import type { MutantResult } from "./examine.js";
import {
  baselineCandidates,
  CASES_WITHOUT_EXPECTATIONS,
  casesWithoutKills,
  countByKind,
  killsByCase,
  missingExpectations,
  problemsOf,
} from "./matrix.js";
import { MATRIX_FILE, type MutantRecord, readMatrix, recordOf, writeMatrix } from "./matrix-file.js";
import { table } from "./table.js";

const finding = { requirement: "ACK-IMPLICIT", case: "ack/old-device", message: "not acked", actual: "0" };
const first = CATALOGUE[0]?.id ?? "";

/** The result of a mutant that is killed, with the right blame. */
const killed = (name: string, change: Partial<MutantResult> = {}): MutantResult => ({
  name,
  requirement: "ACK-IMPLICIT",
  blamedRequirements: ["ACK-IMPLICIT", "SYNC-BASE"],
  killingCases: [first],
  failedExpectations: [`${first}: ACK-IMPLICIT`],
  baseline: [],
  tried: ["plain", "varied"],
  killedBy: "plain",
  findings: [finding],
  errors: [],
  seconds: 1,
  ...change,
});
const NOTHING: Partial<MutantResult> = {
  blamedRequirements: [],
  killingCases: [],
  failedExpectations: [],
  findings: [],
  killedBy: "",
};
const control = killed("control", { requirement: "", ...NOTHING });
const many = (count: number) => Array.from({ length: count }, (_, nr) => killed(`mutant-${nr}`));

describe("problems", () => {
  test("there are none if all mutants are killed with the right blame", () => {
    expect(problemsOf(many(20), control)).toEqual([]);
  });

  test("a mutant that survives is a problem, even if all others are killed", () => {
    const survivor = killed("sneaky", NOTHING);
    expect(problemsOf([...many(99), survivor], control)).toEqual(["survived: sneaky (ACK-IMPLICIT)"]);
  });

  test("the blame must be right for 95 %", () => {
    const wrong = (nr: number) => killed(`wrong-${nr}`, { blamedRequirements: ["SYNC-BASE"] });
    expect(problemsOf([...many(95), ...[1, 2, 3, 4, 5].map(wrong)], control)).toEqual([]);
    expect(problemsOf([...many(94), ...[1, 2, 3, 4, 5, 6].map(wrong)], control)).toEqual([
      "wrong blame: the broken requirement is blamed for 94 of 100 mutants, less than 95 %",
    ]);
  });

  test("the broken requirement must come first for 95 %", () => {
    const wrong = (nr: number) => killed(`wrong-${nr}`, { blamedRequirements: ["SYNC-BASE", "ACK-IMPLICIT"] });
    expect(problemsOf([...many(95), ...[1, 2, 3, 4, 5].map(wrong)], control)).toEqual([]);
    expect(problemsOf([...many(94), ...[1, 2, 3, 4, 5, 6].map(wrong)], control)).toEqual([
      "wrong order: another requirement than the broken one comes first for 6 of 100 mutants, more than 5 %",
    ]);
  });

  test("two mutants of a small selection may have another requirement first", () => {
    const wrong = killed("wrong", { blamedRequirements: ["SYNC-BASE", "ACK-IMPLICIT"] });
    expect(problemsOf([wrong, wrong], control)).toEqual([]);
    expect(problemsOf([wrong, wrong, wrong], control)).toHaveLength(1);
  });

  test("a finding against the control and an error of the suite are problems", () => {
    const failing = killed("a", { errors: ["ack/old-device: TypeError"] });
    expect(problemsOf([failing], { ...control, findings: [finding] })).toEqual([
      "false positive: ack/old-device blames ACK-IMPLICIT on the correct server: not acked",
      "suite error: a: ack/old-device: TypeError",
    ]);
  });
});

describe("cases", () => {
  test("are listed with the mutants that they kill", () => {
    const names = ["mutant-0", "mutant-1"];
    expect(killsByCase(many(2).map(recordOf))[0]).toEqual({ id: first, kills: names, killsByExpectation: names });
    const byJudge = killed("a", { failedExpectations: [] });
    expect(killsByCase([recordOf(byJudge)])[0]).toEqual({ id: first, kills: ["a"], killsByExpectation: [] });
  });

  test("must kill a mutant, and by an expectation of their own unless they are listed as exceptions", () => {
    const without = (change: Partial<MutantResult>) => casesWithoutKills([recordOf(killed("a", change))]);
    expect(without({}).some((it) => it.includes(`${first} `))).toBe(false);
    expect(without({ failedExpectations: [] })).toContain(
      `case without kills: ${first} kills mutants only through the judge`,
    );
    expect(without({ killingCases: [] })).toContain(`case without kills: ${first} kills no mutant`);
    const [exception = ""] = Object.keys(CASES_WITHOUT_EXPECTATIONS);
    const problems = without({ killingCases: [exception], failedExpectations: [] });
    expect(problems.filter((it) => it.includes(exception))).toEqual([]);
  });

  test("that are thorough may kill nothing if the mutants that need them have not run", () => {
    const thorough = CATALOGUE.find((it) => it.thorough)?.id ?? "none";
    const problem = `case without kills: ${thorough} kills no mutant`;
    expect(casesWithoutKills([recordOf(killed("a"))])).toContain(problem);
    expect(casesWithoutKills([recordOf(killed("a"))], { thorough: false })).not.toContain(problem);
  });

  test("that are exceptions exist", () => {
    const ids = new Set<string>(CATALOGUE.map(({ id }) => id));
    expect(Object.keys(CASES_WITHOUT_EXPECTATIONS).filter((id) => !ids.has(id))).toEqual([]);
  });
});

describe("the counts by kind", () => {
  test("name the cheapest mechanism, and leave out kinds without a mutant", () => {
    const none = { plain: 0, varied: 0, thorough: 0, explore: 0 };
    expect(
      countByKind([
        { killedBy: "plain" },
        { kind: "forms", killedBy: "varied" },
        { kind: "forms", killedBy: "" },
        { kind: "times", killedBy: "thorough" },
      ]),
    ).toEqual([
      { kind: "", mutants: 1, killedBy: { ...none, plain: 1 }, survived: 0 },
      { kind: "forms", mutants: 2, killedBy: { ...none, varied: 1 }, survived: 1 },
      { kind: "times", mutants: 1, killedBy: { ...none, thorough: 1 }, survived: 0 },
    ]);
  });

  test("are in the table", () => {
    const counts = countByKind([{ kind: "forms", killedBy: "varied" }]);
    const lines = table([killed("a")], [], counts).split("\n");
    expect(lines).toContain("kind          mutants    plain   varied thorough  explore survived");
    expect(lines).toContain("forms               1        0        1        0        0        0");
  });
});

describe("the baseline", () => {
  const expectations = ["ack/old-device-does-not-lower: ACK-MONOTONE", "ack/sync-acks-through-cli-seq: ACK-IMPLICIT"];
  const baseline = [{ name: "a", baseline: expectations }];
  const none = new Set<string>();

  test("reports an expectation that no longer fails", () => {
    const now = [killed("a", { failedExpectations: expectations.slice(0, 1) })];
    const missing = missingExpectations(now, baseline, none);
    expect(missing).toEqual([{ name: "a", expectations: expectations.slice(1) }]);
    expect(problemsOf(now, control, missing)).toEqual([
      `missing expectation: ${expectations[1]} no longer fails on a, as it did in the baseline`,
    ]);
    expect(missingExpectations([killed("a", { failedExpectations: expectations })], baseline, none)).toEqual([]);
  });

  test("ignores races, new mutants and cases that no longer exist", () => {
    const now = [killed("a", { failedExpectations: [] })];
    expect(missingExpectations(now, [{ name: "a", baseline: [] }], none)).toEqual([]);
    expect(missingExpectations(now, baseline, new Set(["a"]))).toEqual([]);
    expect(missingExpectations([killed("b", { failedExpectations: [] })], baseline, none)).toEqual([]);
    const gone = [{ name: "a", baseline: ["gone/case: ACK-IMPLICIT"] }];
    expect(missingExpectations(now, gone, none)).toEqual([]);
  });

  test("consists of expectations of cases that are about the broken requirement and not thorough", () => {
    const failedExpectations = [...expectations, "send/retry-after-a-while: ACK-REDELIVER"];
    const candidates = (requirement: string) => baselineCandidates(killed("a", { failedExpectations, requirement }));
    expect(candidates("ACK-IMPLICIT")).toEqual(expectations.slice(1));
    expect(candidates("ACK-REDELIVER")).toEqual([]);
  });
});

describe("the file", () => {
  test("has a line about the run and one for each mutant, and is read as it was written", () => {
    const folder = mkdtempSync(join(tmpdir(), "seqsync-kill-matrix-"));
    const file = join(folder, "matrix.jsonl");
    const run = { date: "2026-01-02T03:04:05.678Z", extent: "quick", seconds: 7, falsePositives: [] } as const;
    const results = [killed("a", { baseline: [`${first}: ACK-IMPLICIT`] }), killed("b", { failedExpectations: [] })];
    try {
      writeMatrix(file, results, { ...run, falsePositives: [] });
      expect(readFileSync(file, "utf8").split("\n")).toHaveLength(4);
      const matrix = readMatrix(file);
      expect(matrix.run).toMatchObject({ format: 1, ...run, node: process.versions.node });
      const [a, b] = matrix.mutants;
      expect(a).toEqual({
        name: "a",
        blamed: ["ACK-IMPLICIT", "SYNC-BASE"],
        killedByCase: [first],
        killedByJudge: [],
        baseline: [`${first}: ACK-IMPLICIT`],
        tried: ["plain", "varied"],
        killedBy: "plain",
        seconds: 1,
      } satisfies MutantRecord);
      expect(b).toMatchObject({ killedByCase: [], killedByJudge: [first] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("that is committed names mutants and cases that exist", () => {
    const { mutants } = readMatrix(join(import.meta.dirname, "../../..", MATRIX_FILE));
    const names = new Set(MUTANTS.map(({ name }) => name));
    expect(mutants.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
    const ids = new Set<string>(CATALOGUE.map(({ id }) => id));
    const cases = mutants.flatMap(({ killedByCase, killedByJudge }) => [...killedByCase, ...killedByJudge]);
    expect([...new Set(cases)].filter((id) => !ids.has(id))).toEqual([]);
  });
});
