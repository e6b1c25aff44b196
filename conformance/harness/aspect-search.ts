import type { Finding } from "../findings.js";
import type { Codec } from "../rpc/connect.js";
import { describeAspect, requirementOfAspect } from "./variation.js";

/** Number of times in a row that a run must fail with the aspects, and pass in the plain form. */
const CONFIRMATIONS = 2;
/** Number of failures that must have needed an aspect alone before others are only tried without it. */
const USUAL = 3;

/** What varies, and can run again with less of it: a case, or a program. `E` is one run of it. */
export interface Varied<E> {
  /** Runs it with only these aspects. */
  execute(aspects: ReadonlySet<string>): Promise<E>;
  hasFailed(execution: E): boolean;
  /** The aspects that varied in a run. */
  variedIn(execution: E): readonly string[];
  /** The aspects that failures were found to need alone, with their number. The search adds what it finds. */
  blamedAspects: Map<string, number>;
  /** Whether the search must end. */
  isOver(): boolean;
}

/** The result of a search, with the run that shows it. */
export type AspectSearchResult<E> =
  /** The failure needs no aspect. */
  | { kind: "plain"; execution: E }
  /** The failure needs these aspects together. */
  | { kind: "aspects"; execution: E; aspects: readonly string[] }
  /** The failure does not come again, or comes by chance; `execution` is the first run. */
  | { kind: "unclear"; execution: E };

/**
 * Searches for the aspects that the failure of a run needs. It runs again in the plain form: a failure there has nothing
 * to do with the variation. Otherwise aspects are left out while the others are enough.
 */
export async function searchAspects<E>(first: E, varied: Varied<E>): Promise<AspectSearchResult<E>> {
  const { hasFailed, blamedAspects } = varied;
  const all = varied.variedIn(first);
  const usual = all.filter((name) => (blamedAspects.get(name) ?? 0) >= USUAL);
  if (usual.length > 0) {
    const others = all.filter((name) => !usual.includes(name));
    if (!hasFailed(await varied.execute(new Set(others)))) return { kind: "aspects", execution: first, aspects: usual };
  }
  const plain = await varied.execute(new Set());
  if (hasFailed(plain)) return { kind: "plain", execution: plain };
  const guess = all.filter((name) => blamedAspects.has(name));
  const found = (await tryAlone(guess, varied)) ?? (await bisect(all, varied));
  // A failure that does not come again, or only sometimes, is no less a failure.
  if (found === undefined) return { kind: "unclear", execution: first };
  const [only, ...others] = found.aspects;
  if (only !== undefined && others.length === 0) blamedAspects.set(only, (blamedAspects.get(only) ?? 0) + 1);
  return { kind: "aspects", ...found };
}

interface Found<E> {
  execution: E;
  aspects: readonly string[];
}

/** Tries the aspects that other failures needed, one by one. */
async function tryAlone<E>(names: readonly string[], varied: Varied<E>): Promise<Found<E> | undefined> {
  for (const name of names) {
    if (varied.isOver()) return undefined;
    const execution = await varied.execute(new Set([name]));
    if (varied.hasFailed(execution) && (await isConfirmed([name], varied))) return found(execution, [name], varied);
  }
  return undefined;
}

/** Halves the aspects while one of the halves is enough for a failure, then leaves out single ones. */
async function bisect<E>(all: readonly string[], varied: Varied<E>): Promise<Found<E> | undefined> {
  let current = all;
  let last = await varied.execute(new Set(current));
  if (!varied.hasFailed(last)) return undefined;
  for (;;) {
    const middle = Math.ceil(current.length / 2);
    const halves = current.length < 2 ? [] : [current.slice(0, middle), current.slice(middle)];
    let smaller: readonly string[] | undefined;
    for (const half of halves) {
      if (varied.isOver()) return undefined;
      const execution = await varied.execute(new Set(half));
      if (!varied.hasFailed(execution)) continue;
      last = execution;
      smaller = half;
      break;
    }
    if (smaller === undefined) break;
    current = smaller;
  }
  // Several aspects together, if neither half is enough: those without which it passes.
  for (const name of current.length > 2 ? current : []) {
    if (varied.isOver()) break;
    const others = current.filter((it) => it !== name);
    const execution = await varied.execute(new Set(others));
    if (!varied.hasFailed(execution)) continue;
    last = execution;
    current = others;
  }
  return (await isConfirmed(current, varied)) ? found(last, current, varied) : undefined;
}

/** The aspects that varied in the run: those that no request had do not count. */
const found = <E>(execution: E, aspects: readonly string[], { variedIn }: Varied<E>): Found<E> => {
  const used = variedIn(execution).filter((name) => aspects.includes(name));
  return { execution, aspects: used.length === 0 ? aspects : used };
};

/** Whether it fails each time with these aspects and passes each time without: otherwise it fails by chance. */
async function isConfirmed<E>(names: readonly string[], { execute, hasFailed }: Varied<E>): Promise<boolean> {
  for (let count = 1; count < CONFIRMATIONS; count += 1) {
    if (!hasFailed(await execute(new Set(names)))) return false;
    if (hasFailed(await execute(new Set()))) return false;
  }
  return true;
}

/**
 * Blames the aspects that a failure needs: the requirement about the form, or for contents the one that was found.
 * `decisive` are the aspects whose requirement counts if they have one in common.
 */
export function blameAspects(
  findings: readonly Finding[],
  aspects: readonly string[],
  codec: Codec,
  decisive: readonly string[] = aspects.length === 1 ? aspects : [],
): Finding[] {
  const [requirement, ...others] = new Set(decisive.map((name) => requirementOfAspect(name, codec)));
  const cause = `only with ${aspects.map(describeAspect).join(" and with ")}`;
  const blamed = findings.map((finding) => ({ ...finding, message: `${cause}: ${finding.message}` }));
  const [first] = blamed;
  return requirement === undefined || others.length > 0 || first === undefined ? blamed : [{ ...first, requirement }];
}
