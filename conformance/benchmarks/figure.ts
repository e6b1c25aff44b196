/** One measurement of the benchmark, with all texts that explain it. */
export interface Figure {
  /** Stable name, such as "server/send". Its first part is the section. */
  id: string;
  /** What is measured, for people. */
  name: string;
  /** Unit of the values, such as "requests/s". */
  unit: string;
  /** Whether higher or lower values are better. */
  better: "higher" | "lower";
  /** What the values mean for a user, in a sentence or two. */
  meaning: string;
  /** Conditions of the measurement. */
  conditions?: string;
  /** Why a goal is missed, according to profiles. */
  why?: string;
  values: Value[];
  comparisons: Comparison[];
  /** Start and commit of the run, if the figure was measured separately from the others. */
  measuredAt?: string;
  commit?: string;
}

/** The value of one implementation: the median and the range of its rounds. */
export interface Value {
  /** The implementation, such as "reference server". */
  of: string;
  /** Position on the axis of the figure, such as a backlog of 1000; undefined if it has no axis. */
  x?: number;
  /** Meaning of `x`. */
  xName?: string;
  median: number;
  low: number;
  high: number;
  rounds: number[];
  /** Further results of the same measurement, by name with unit. */
  also?: Record<string, number | string>;
  /** How the value was calculated from a smaller measurement; undefined if it was measured. */
  calculated?: string;
}

/**
 * The ratio of two values. Each round of one is compared with the same round of the other, which ran at about the same
 * time.
 */
export interface Comparison {
  /** The compared values, such as "reference server / bare node:http". */
  of: string;
  ratio: number;
  low: number;
  high: number;
  /** What the ratio should be, such as "at least 0.8"; undefined if there is no goal. */
  goal?: { is: "at least" | "at most"; value: number };
  met?: boolean;
}

/** The result of one run. */
export interface BenchResult {
  format: 1;
  /** Start of the run, in ISO 8601. */
  measuredAt: string;
  /** The commit that was measured, or "unknown". */
  commit: string;
  machine: { cpu: string; cores: number; memoryGiB: number; os: string; node: string; loadAverageAtStart: number };
  quick: boolean;
  rounds: number;
  seconds: number;
  figures: Figure[];
  /** Figures that were not measured, and the reasons. */
  skipped: { id: string; why: string }[];
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Creates a value from its rounds. */
export function value(of: string, rounds: readonly number[], more: Partial<Value> = {}): Value {
  return {
    of,
    median: median(rounds),
    low: Math.min(...rounds),
    high: Math.max(...rounds),
    rounds: [...rounds],
    ...more,
  };
}

/** Compares two values round by round. Both must have the same number of rounds. */
export function compare(a: Value, b: Value, goal?: Comparison["goal"], of = `${a.of} / ${b.of}`): Comparison {
  const ratios = a.rounds.map((it, index) => it / (b.rounds[index] as number));
  return comparison(of, ratios, goal);
}

/** Creates a comparison from the ratios of its rounds. */
export function comparison(of: string, ratios: readonly number[], goal?: Comparison["goal"]): Comparison {
  const ratio = median(ratios);
  const result: Comparison = { of, ratio, low: Math.min(...ratios), high: Math.max(...ratios) };
  if (goal === undefined) return result;
  return { ...result, goal, met: goal.is === "at least" ? ratio >= goal.value : ratio <= goal.value };
}
