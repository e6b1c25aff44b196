import { CATALOGUE } from "../../cases/catalogue.js";
import { caseOf, concerns, type MutantResult } from "./examine.js";

/** The kill matrix: which faulty servers were caught, by which cases, and whether the right requirement was blamed. */
export interface Matrix {
  mutants: MutantResult[];
  /** Each case, the faults that it caught, and those of them that it caught by what it expects itself. */
  cases: { id: string; kills: string[]; own: string[] }[];
  /** What the suite said against the server without any fault; it must be nothing. */
  falseAlarms: MutantResult["findings"];
  counts: { faults: number; killed: number; right: number; cases: number; idle: number };
}

/** Cases that expect nothing themselves, and why they are worth keeping. */
export const STIMULI: Readonly<Record<string, string>> = {
  "explore/quiet-network": "random programs: what they should see only the judge can say",
  "explore/hostile-network": "random programs: what they should see only the judge can say",
  "durable/crash-between-calls": "what a crash may leave depends on what the server declares: the judge knows",
  "durable/crash-during-traffic": "what a crash may leave depends on what the server declares: the judge knows",
  "watch/stalled": "who is held up gets no answer, and that alone is the failure",
};

export function matrixOf(faults: readonly MutantResult[], control: MutantResult | undefined): Matrix {
  const cases = CATALOGUE.map(({ id }) => ({
    id,
    kills: faults.filter(({ killedBy }) => killedBy.includes(id)).map(({ name }) => name),
    own: faults.filter(({ own }) => own.some((it) => caseOf(it) === id)).map(({ name }) => name),
  }));
  return {
    mutants: [...faults],
    cases,
    falseAlarms: control?.findings ?? [],
    counts: {
      faults: faults.length,
      killed: faults.filter(({ killed }) => killed).length,
      right: faults.filter(({ right }) => right).length,
      cases: cases.length,
      idle: cases.filter(({ kills }) => kills.length === 0).length,
    },
  };
}

/**
 * What cases expected when an earlier matrix was made, and do not any more, by fault: somebody took an expectation away. Races are left
 * out: they do not show each time.
 */
export function lost(
  faults: readonly MutantResult[],
  earlier: Matrix,
  races: ReadonlySet<string>,
): { name: string; own: string[] }[] {
  return faults.flatMap((fault) => {
    const before = races.has(fault.name) ? undefined : earlier.mutants.find(({ name }) => name === fault.name);
    const own = (before?.baseline ?? []).filter(
      (it) => CATALOGUE.some(({ id }) => id === caseOf(it)) && !fault.own.includes(it),
    );
    return own.length === 0 ? [] : [{ name: fault.name, own }];
  });
}

/** What of a fault's `own` may be steady: it is about the broken requirement, so that each extent runs it. */
export function candidates({ own, requirement }: MutantResult): string[] {
  return own.filter((it) => {
    const found = CATALOGUE.find(({ id }) => id === caseOf(it));
    return found !== undefined && !found.slow && concerns({ case: found }, { breaks: requirement });
  });
}

/** The least share of faults for which the broken requirement must be among the blamed ones. */
const RIGHT_BLAME = 0.95;

/** What keeps the matrix from being a proof; empty if it is one. */
export function shortcomings(
  { mutants: faults, falseAlarms, counts }: Matrix,
  lostOnes: ReturnType<typeof lost> = [],
): string[] {
  const errors = faults.flatMap((fault) => fault.errors.map((error) => `${fault.name}: ${error}`));
  return [
    ...falseAlarms.map((it) => `false alarm: ${it.case} blames ${it.requirement} on the right server: ${it.message}`),
    ...faults.filter(({ killed }) => !killed).map(({ name, requirement }) => `alive: ${name} (${requirement})`),
    ...(counts.right < counts.faults * RIGHT_BLAME
      ? [`the broken requirement is blamed for ${counts.right} of ${counts.faults}: less than ${RIGHT_BLAME * 100} %`]
      : []),
    ...lostOnes.flatMap(({ name, own }) => own.map((it) => `lost: ${it}: what the case expected of ${name} before`)),
    ...errors.map((error) => `suite error: ${error}`),
  ];
}

/** What keeps a matrix of the whole zoo from being one: cases that catch nothing, or nothing by what they expect themselves. */
export function casesWithoutKills({ cases }: Matrix): string[] {
  return cases.flatMap(({ id, kills, own }) => {
    if (kills.length === 0) return [`idle: ${id} catches no fault`];
    if (own.length === 0 && !(id in STIMULI)) return [`idle: what ${id} itself expects catches no fault`];
    return [];
  });
}
