import { CATALOGUE } from "../../cases/catalogue.js";
import type { Examined } from "./examine.js";

/** The kill matrix: which faulty servers were caught, by which cases, and whether the right requirement was blamed. */
export interface Matrix {
  faults: Examined[];
  /** Each case, and the faults that it caught. */
  cases: { id: string; kills: string[] }[];
  /** What the suite said against the server without any fault; it must be nothing. */
  falseAlarms: Examined["findings"];
  counts: { faults: number; killed: number; right: number; cases: number; idle: number };
}

export function matrixOf(faults: readonly Examined[], control: Examined | undefined): Matrix {
  const cases = CATALOGUE.map(({ id }) => ({
    id,
    kills: faults.filter(({ killedBy }) => killedBy.includes(id)).map(({ name }) => name),
  }));
  return {
    faults: [...faults],
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

/** The least share of faults for which the broken requirement must be among the blamed ones. */
const RIGHT_BLAME = 0.95;

/** What keeps the matrix from being a proof; empty if it is one. */
export function shortcomings({ faults, falseAlarms, counts }: Matrix): string[] {
  const errors = faults.flatMap((fault) => fault.errors.map((error) => `${fault.name}: ${error}`));
  return [
    ...falseAlarms.map((it) => `false alarm: ${it.case} blames ${it.requirement} on the right server: ${it.message}`),
    ...faults.filter(({ killed }) => !killed).map(({ name, requirement }) => `alive: ${name} (${requirement})`),
    ...(counts.right < counts.faults * RIGHT_BLAME
      ? [`the broken requirement is blamed for ${counts.right} of ${counts.faults}: less than ${RIGHT_BLAME * 100} %`]
      : []),
    ...errors.map((error) => `suite error: ${error}`),
  ];
}
