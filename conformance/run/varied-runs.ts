import { aspectsOf } from "../harness/variation.js";
import { seeded } from "../random.js";
import { type RunnableCase, variedId } from "./case-run.js";

export interface VaryOptions {
  seed: number;
  /** The aspects that vary in every run; undefined for the default. */
  vary: ReadonlySet<string> | undefined;
  /** Whether each case that runs once gets a second, varied run. */
  isThorough: boolean;
}

/**
 * Chooses what varies in each run. By default a case that runs in two codecs varies in the one that the seed chooses,
 * and is plain in the other. A run in one codec alone gets a second, varied run, except for cases that are about one
 * codec or many messages: these get it in a thorough run, unless they are about volumes that take long to send.
 */
export function withVariation(runs: readonly RunnableCase[], { seed, vary, isThorough }: VaryOptions): RunnableCase[] {
  if (vary !== undefined)
    return runs.map((run) => {
      const aspects = new Set(aspectsOf(run.codec).filter((name) => vary.has(name)));
      return aspects.size === 0 ? run : { ...run, aspects };
    });
  const byCase = new Map<string, RunnableCase[]>();
  for (const run of runs) byCase.set(run.case.id, [...(byCase.get(run.case.id) ?? []), run]);
  return [...byCase.values()].flatMap((own): RunnableCase[] => {
    const [first] = own;
    if (first === undefined) return [];
    if (own.length > 1) {
      const chosen = Math.floor(seeded(seed, `varied codec of ${first.case.id}`)() * own.length);
      return own.map((run, index) => (index === chosen ? { ...run, aspects: new Set(aspectsOf(run.codec)) } : run));
    }
    const isSpecial = (first.case.codec ?? first.case.undeclared ?? first.case.bulk) !== undefined;
    const isLarge = first.case.thorough === true && !first.case.waits;
    if (isLarge || (isSpecial && !isThorough)) return own;
    return [first, { ...first, id: variedId(first.id), aspects: new Set(aspectsOf(first.codec)) }];
  });
}
