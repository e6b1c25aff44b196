/** The proof as JSON: what was found about mutants that nobody has tuned the suite to. */
import { readFileSync, writeFileSync } from "node:fs";
import { VERSION } from "../../version.js";
import { currentCommit, formatData } from "../support/data.js";
import type { Mechanism } from "../support/mechanisms.js";
import { type ProofResult, type Why, whySurvived } from "./examine.js";

/** Where the proof is committed, below the root of the repository. */
export const PROOF_FILE = "docs/data/proof.json";

/** How many mutants were examined, and what became of them. */
export interface ProofCounts {
  mutants: number;
  killed: number;
  /** Those of `killed` for which a requirement that the mutant violates was blamed. */
  blamedRightly: number;
  /** Survivors whose fault a client could see. */
  shown: number;
  /** Survivors whose fault occurred, but in no call that shows it. */
  unseen: number;
  /** Survivors whose fault never occurred. */
  never: number;
}

export interface ProofFile {
  date: string;
  commit: string;
  suite: string;
  node: string;
  seed: number;
  mechanisms: Mechanism[];
  seconds: number;
  counts: ProofCounts;
  /** Number of mutants that each mechanism killed, and that the ones before it did not. */
  killedBy: Partial<Record<Mechanism, number>>;
  survivors: { nr: number; about: string; why: Why; breaks: string[] }[];
  mutants: ProofResult[];
}

export function countsOf(results: readonly ProofResult[]): ProofCounts {
  const survivors = results.filter(({ killedBy }) => killedBy === "");
  const because = (why: Why) => survivors.filter((it) => whySurvived(it) === why).length;
  return {
    mutants: results.length,
    killed: results.length - survivors.length,
    blamedRightly: results.filter(({ isBlamedRightly }) => isBlamedRightly).length,
    shown: because("shown"),
    unseen: because("unseen"),
    never: because("never"),
  };
}

export const survivorsOf = (results: readonly ProofResult[]) =>
  results
    .filter(({ killedBy }) => killedBy === "")
    .map((it) => ({ nr: it.nr, about: it.about, why: whySurvived(it), breaks: it.breaks }));

export function proofOf(
  results: readonly ProofResult[],
  { mechanisms, ...run }: Pick<ProofFile, "date" | "seed" | "seconds"> & { mechanisms: readonly Mechanism[] },
): ProofFile {
  const { date, seed, seconds } = run;
  const killedBy = mechanisms.map((it) => [it, results.filter((result) => result.killedBy === it).length]);
  return {
    date,
    commit: currentCommit(),
    suite: VERSION,
    node: process.versions.node,
    seed,
    mechanisms: [...mechanisms],
    seconds,
    counts: countsOf(results),
    killedBy: Object.fromEntries(killedBy) as ProofFile["killedBy"],
    survivors: survivorsOf(results),
    mutants: [...results],
  };
}

export const writeProof = (file: string, proof: ProofFile) => writeFileSync(file, formatData(proof));
export const readProof = (file: string) => JSON.parse(readFileSync(file, "utf8")) as ProofFile;
