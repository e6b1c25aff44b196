import { CATALOGUE } from "../../cases/catalogue.js";
import { MUTANT_KINDS, type MutantKind } from "../mutants/mutant.js";
import { MECHANISMS, type Mechanism } from "../support/mechanisms.js";
import {
  caseOfExpectation,
  concerns,
  isBlamedCorrectly,
  isBlamedFirst,
  isKilled,
  type MutantResult,
} from "./examine.js";
import type { MutantRecord } from "./matrix-file.js";

/** Cases without expectations of their own, and why they are useful. */
export const CASES_WITHOUT_EXPECTATIONS: Readonly<Record<string, string>> = {
  "explore/quiet-network": "random programs, whose correct responses only the judge can derive",
  "explore/hostile-network": "random programs, whose correct responses only the judge can derive",
  "durable/crash-between-calls":
    "the judge knows which data a crash may lose, from the profiles that the server declares",
  "durable/crash-during-traffic":
    "the judge knows which data a crash may lose, from the profiles that the server declares",
  "watch/stalled": "a blocked call has no response, which is a failure in itself",
};

/** The mutants that a case kills. */
export interface CaseKills {
  id: string;
  kills: string[];
  /** Those of `kills` for which an expectation of the case itself failed. */
  killsByExpectation: string[];
}

/** Lists each case of the catalogue with the mutants that it kills. */
export function killsByCase(mutants: readonly MutantRecord[]): CaseKills[] {
  const namesIf = (matches: (mutant: MutantRecord) => boolean) => mutants.filter(matches).map(({ name }) => name);
  return CATALOGUE.map(({ id }) => ({
    id,
    kills: namesIf((it) => it.killedByCase.includes(id) || it.killedByJudge.includes(id)),
    killsByExpectation: namesIf((it) => it.killedByCase.includes(id)),
  }));
}

/** How many mutants of one kind each mechanism killed that the cheaper ones did not. */
export interface KindCounts {
  /** "" for mutants whose fault depends on nothing that differs between clients. */
  kind: MutantKind | "";
  mutants: number;
  killedBy: Record<Mechanism, number>;
  survived: number;
}

/** Counts the mutants by kind and mechanism. Leaves out kinds without a mutant. */
export function countByKind(
  mutants: readonly { kind?: MutantKind | undefined; killedBy: Mechanism | "" }[],
): KindCounts[] {
  return (["", ...MUTANT_KINDS] as const).flatMap((kind) => {
    const own = mutants.filter((it) => (it.kind ?? "") === kind);
    const by = (mechanism: Mechanism | "") => own.filter(({ killedBy }) => killedBy === mechanism).length;
    const killedBy = Object.fromEntries(MECHANISMS.map((it) => [it, by(it)])) as KindCounts["killedBy"];
    return own.length === 0 ? [] : [{ kind, mutants: own.length, killedBy, survived: by("") }];
  });
}

/** Expectations of the baseline that no longer fail on a mutant. */
export interface MissingExpectations {
  name: string;
  expectations: string[];
}

/**
 * Finds the expectations that failed in the baseline and no longer do, because they were removed or weakened. Skips
 * races, which do not show each time, and cases that no longer exist.
 */
export function missingExpectations(
  results: readonly MutantResult[],
  baseline: readonly Pick<MutantRecord, "name" | "baseline">[],
  races: ReadonlySet<string>,
): MissingExpectations[] {
  return results.flatMap(({ name, failedExpectations }) => {
    if (races.has(name)) return [];
    const before = baseline.find((it) => it.name === name)?.baseline ?? [];
    const expectations = before.filter(
      (it) => CATALOGUE.some(({ id }) => id === caseOfExpectation(it)) && !failedExpectations.includes(it),
    );
    return expectations.length === 0 ? [] : [{ name, expectations }];
  });
}

/**
 * Selects the failed expectations that may enter the baseline: those of cases that run in each extent, because they are
 * about the requirement.
 */
export function baselineCandidates({ failedExpectations, requirement }: MutantResult): string[] {
  return failedExpectations.filter((it) => {
    const found = CATALOGUE.find(({ id }) => id === caseOfExpectation(it));
    return found !== undefined && !found.thorough && concerns({ case: found }, { breaks: requirement });
  });
}

/** Minimum share of mutants for which the broken requirement must be among the blamed ones. */
const MIN_CORRECT_BLAME = 0.95;

/** Minimum share of mutants for which the broken requirement must be the first one that a report shows. */
const MIN_FIRST = 0.95;
/** Number of other mutants that a small selection may have. */
const MAX_NOT_FIRST_IN_SELECTION = 2;

/** Lists everything that is wrong with a matrix, one line each; empty if nothing is wrong. */
export function problemsOf(
  mutants: readonly MutantResult[],
  control: MutantResult | undefined,
  missing: readonly MissingExpectations[] = [],
): string[] {
  const correct = mutants.filter(isBlamedCorrectly).length;
  return [
    ...(control?.findings ?? []).map(
      (it) => `false positive: ${it.case} blames ${it.requirement} on the correct server: ${it.message}`,
    ),
    ...mutants.filter((it) => !isKilled(it)).map(({ name, requirement }) => `survived: ${name} (${requirement})`),
    ...(correct < mutants.length * MIN_CORRECT_BLAME
      ? [
          `wrong blame: the broken requirement is blamed for ${correct} of ${mutants.length} mutants, ` +
            `less than ${MIN_CORRECT_BLAME * 100} %`,
        ]
      : []),
    ...wrongOrder(mutants),
    ...missing.flatMap(({ name, expectations }) =>
      expectations.map((it) => `missing expectation: ${it} no longer fails on ${name}, as it did in the baseline`),
    ),
    ...mutants.flatMap(({ name, errors }) => errors.map((error) => `suite error: ${name}: ${error}`)),
  ];
}

function wrongOrder(mutants: readonly MutantResult[]): string[] {
  const others = mutants.filter((it) => isBlamedCorrectly(it) && !isBlamedFirst(it)).length;
  if (others <= Math.max(mutants.length * (1 - MIN_FIRST), MAX_NOT_FIRST_IN_SELECTION)) return [];
  return [
    `wrong order: another requirement than the broken one comes first for ${others} of ${mutants.length} mutants, ` +
      `more than ${Math.round((1 - MIN_FIRST) * 100)} %`,
  ];
}

/**
 * Lists the cases that kill no mutant, or none by an expectation of their own. Meaningful only for a matrix of all
 * mutants. Thorough cases are left out unless the mutants that need them have run.
 */
export function casesWithoutKills(mutants: readonly MutantRecord[], { thorough = true } = {}): string[] {
  const isThorough = new Set<string>(CATALOGUE.filter((it) => it.thorough).map(({ id }) => id));
  return killsByCase(mutants).flatMap(({ id, kills, killsByExpectation }) => {
    if (!thorough && isThorough.has(id)) return [];
    if (kills.length === 0) return [`case without kills: ${id} kills no mutant`];
    if (killsByExpectation.length === 0 && !(id in CASES_WITHOUT_EXPECTATIONS))
      return [`case without kills: ${id} kills mutants only through the judge`];
    return [];
  });
}
