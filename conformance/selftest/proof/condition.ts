import type { RequirementId } from "../../requirements/requirements.js";
import type { Occasion, Target } from "./occasion.js";

/** The class of real differences between clients that a condition belongs to. */
export const CONDITION_KINDS = ["content", "count", "time", "form", "codec", "after"] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];

/** When a fault occurs. */
export interface Condition {
  kind: ConditionKind;
  /** Completes "if …", such as "the payload has more than 4000 bytes". */
  about: string;
  /** The targets for which it makes sense. */
  targets: readonly Target[];
  /** The requirement by which a form means the same as any other. Default: none, the effect alone is the violation. */
  requirement?: RequirementId;
  /** Whether it needs a restart of the server. */
  restarts?: true;
  /** Starts the condition for one server, so that it can keep state. */
  start(): (occasion: Occasion) => boolean;
}

/** A condition that keeps no state. */
export const condition = (
  kind: ConditionKind,
  targets: readonly Target[],
  about: string,
  matches: (occasion: Occasion) => boolean,
  requirement?: RequirementId,
): Condition => ({ kind, about, targets, start: () => matches, ...(requirement === undefined ? {} : { requirement }) });

/** Draws the parameters of conditions and effects. */
export interface Draw {
  /** An integer from `from` to `to`. */
  integer(from: number, to: number): number;
  /** An integer from `from` to `to`; each order of magnitude is equally probable. */
  magnitude(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
}

/** A family of conditions that differ in their parameters. */
export type ConditionFamily = (draw: Draw) => Condition;
