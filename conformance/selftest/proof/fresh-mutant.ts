import { seeded } from "../../random.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { CONDITION_KINDS, type Condition, type ConditionKind, type Draw } from "./condition.js";
import { CONDITIONS } from "./conditions/index.js";
import type { Effect } from "./effect.js";
import { EFFECTS } from "./effects/index.js";
import type { Target } from "./occasion.js";

/** A mutant that nobody has written: a condition, or two, and what goes wrong if they hold. */
export interface FreshMutant {
  /** Its place among those of its seed, from 1. */
  nr: number;
  name: string;
  /** What the server does wrong, in one clause. */
  about: string;
  conditions: readonly Condition[];
  effect: Effect;
  /** The requirements that it violates: the suite is right if it blames one of them. */
  breaks: readonly RequirementId[];
}

/** Share of mutants with two conditions. */
const TWO_STEPS = 0.25;

/** Draws mutant `nr` of a seed: the same two numbers give the same mutant. */
export function freshMutant(seed: number, nr: number): FreshMutant {
  const draw = drawing(seeded(seed, `fresh mutant ${nr}`));
  const first = drawCondition(draw);
  const target = draw.pick(first.targets);
  const effect = draw.pick(EFFECTS[target])(draw);
  const second = draw.integer(1, 100) <= TWO_STEPS * 100 ? drawSecond(draw, first, target) : undefined;
  const conditions = second === undefined ? [first] : [first, second];
  return {
    nr,
    name: `fresh-${seed}-${nr}`,
    about: `${effect.about} if ${conditions.map(({ about }) => about).join(", and ")}`,
    conditions,
    effect,
    // Forms mean the same by their own requirement, so that is violated first.
    breaks: [...new Set([...conditions.flatMap(({ requirement }) => requirement ?? []), ...effect.breaks])],
  };
}

/** How often each kind is drawn: kinds with few families less often. */
const WEIGHTS: Readonly<Record<ConditionKind, number>> = { content: 5, count: 5, time: 3, form: 5, codec: 1, after: 4 };
const KINDS = CONDITION_KINDS.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));

const drawCondition = (draw: Draw): Condition => draw.pick(CONDITIONS[draw.pick(KINDS)])(draw);

/** Number of attempts to find a second condition for the same target. */
const ATTEMPTS = 20;

/** Draws another condition of another kind that makes sense for the same target; undefined if none was found. */
function drawSecond(draw: Draw, first: Condition, target: Target): Condition | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const second = drawCondition(draw);
    if (second.kind !== first.kind && second.targets.includes(target)) return second;
  }
  return undefined;
}

function drawing(random: () => number): Draw {
  const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  return {
    integer,
    magnitude: (from, to) => Math.round(from * (to / from) ** random()),
    pick: <T>(list: readonly T[]) => list[integer(0, list.length - 1)] as T,
  };
}
