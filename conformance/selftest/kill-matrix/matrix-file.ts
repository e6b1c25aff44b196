/** The kill matrix as JSON Lines: one line about the run, then one line for each mutant. */
import { readFileSync, writeFileSync } from "node:fs";
import { VERSION } from "../../version.js";
import { currentCommit } from "../support/data.js";
import type { Mechanism } from "../support/mechanisms.js";
import { caseOfExpectation, type EXTENTS, type MutantResult } from "./examine.js";

/** Where the matrix is committed, below the root of the repository. */
export const MATRIX_FILE = "docs/data/kill-matrix.jsonl";

/** How and when the matrix was generated. */
export interface MatrixRun {
  format: 1;
  /** Start of the run, in ISO 8601. */
  date: string;
  /** The commit of the code that ran. */
  commit: string;
  /** Version of the suite. */
  suite: string;
  node: string;
  extent: (typeof EXTENTS)[number];
  seconds: number;
  /** Findings against the correct server, as "case: REQUIREMENT". */
  falsePositives: string[];
}

/** The record of a mutant in the matrix. Its requirement and description are in the source of the mutant. */
export interface MutantRecord {
  name: string;
  /** The blamed requirements, in the order in which a report shows them. */
  blamed: string[];
  /** Killing cases of which an expectation failed. */
  killedByCase: string[];
  /** Killing cases in which only the judge found violations. */
  killedByJudge: string[];
  /** Expectations, as "case: REQUIREMENT", that must fail in later runs too. */
  baseline: string[];
  /** The mechanisms that ran, the cheapest first. Absent in matrices of earlier versions. */
  tried?: Mechanism[];
  /** The cheapest mechanism that blamed the broken requirement; if none did, the cheapest that found anything. */
  killedBy?: Mechanism | "";
  seconds: number;
}

export interface MatrixFile {
  run: MatrixRun;
  mutants: MutantRecord[];
}

export function recordOf(result: MutantResult): MutantRecord {
  const ownCases = new Set(result.failedExpectations.map(caseOfExpectation));
  return {
    name: result.name,
    blamed: result.blamedRequirements,
    killedByCase: result.killingCases.filter((id) => ownCases.has(id)),
    killedByJudge: result.killingCases.filter((id) => !ownCases.has(id)),
    baseline: result.baseline,
    tried: result.tried,
    killedBy: result.killedBy,
    seconds: result.seconds,
  };
}

export function readMatrix(file: string): MatrixFile {
  const [run, ...mutants] = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
  return { run: run as MatrixRun, mutants: mutants as MutantRecord[] };
}

export function writeMatrix(
  file: string,
  mutants: readonly MutantResult[],
  run: Pick<MatrixRun, "date" | "extent" | "seconds" | "falsePositives">,
): void {
  const { date, ...rest } = run;
  const first: MatrixRun = {
    format: 1,
    date,
    commit: currentCommit(),
    suite: VERSION,
    node: process.versions.node,
    ...rest,
  };
  writeFileSync(file, [first, ...mutants.map(recordOf)].map((line) => `${JSON.stringify(line)}\n`).join(""));
}
