/** What the benchmark found out about one thing. The JSON of a run is a list of these, and says by itself what it means. */
export interface Figure {
  /** Stable name, such as "server/send". Its first part is the section. */
  id: string;
  /** What was measured, for people. */
  name: string;
  /** Unit of the values, such as "requests/s". */
  unit: string;
  /** Which values are good ones. */
  better: "higher" | "lower";
  /** What it means for a user, in a sentence or two. */
  meaning: string;
  /** Under which conditions, as far as they matter for reading the values. */
  conditions?: string;
  /** Where a goal of it is missed: why, as profiling tells. */
  why?: string;
  values: Value[];
  comparisons: Comparison[];
}

/** One thing's value: the median of its rounds, and how far they lie apart. */
export interface Value {
  /** Whose value it is, such as "reference server". */
  of: string;
  /** Where on an axis, where the figure has one, such as a backlog of 1000. */
  x?: number;
  /** What `x` counts. */
  xName?: string;
  median: number;
  low: number;
  high: number;
  rounds: number[];
  /** Further numbers that belong to the same measurement, by name with their unit. */
  also?: Record<string, number | string>;
  /** Set where the value was calculated from a smaller measurement, and how. */
  calculated?: string;
}

/** Two values in proportion. Rounds are compared with each other, so that what the machine does meanwhile hits both. */
export interface Comparison {
  /** Such as "reference server / bare node:http". */
  of: string;
  ratio: number;
  low: number;
  high: number;
  /** What the ratio should be, such as "at least 0.8"; absent where it only informs. */
  goal?: { is: "at least" | "at most"; value: number };
  met?: boolean;
}

/** The result of one run. */
export interface BenchResult {
  format: 1;
  measuredAt: string;
  machine: { cpu: string; cores: number; memoryGiB: number; os: string; node: string; loadAverageAtStart: number };
  quick: boolean;
  rounds: number;
  seconds: number;
  figures: Figure[];
  /** What was not measured, and why. */
  skipped: { id: string; why: string }[];
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

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

/** Compares round by round. Both values must have as many rounds. */
export function compare(a: Value, b: Value, goal?: Comparison["goal"], of = `${a.of} / ${b.of}`): Comparison {
  const ratios = a.rounds.map((it, index) => it / (b.rounds[index] as number));
  return against(of, ratios, goal);
}

/** A comparison whose ratios are there already, or one number against a goal. */
export function against(of: string, ratios: readonly number[], goal?: Comparison["goal"]): Comparison {
  const ratio = median(ratios);
  const comparison: Comparison = { of, ratio, low: Math.min(...ratios), high: Math.max(...ratios) };
  if (goal === undefined) return comparison;
  return { ...comparison, goal, met: goal.is === "at least" ? ratio >= goal.value : ratio <= goal.value };
}
