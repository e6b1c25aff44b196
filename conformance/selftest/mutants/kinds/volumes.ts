import type { Mutant } from "../mutant.js";
import { volumeLimits } from "./volume-limits.js";
import { volumeNumbers } from "./volume-numbers.js";

/** Mutants that are wrong only with many or much. */
export const volumes: readonly Mutant[] = [...volumeLimits, ...volumeNumbers];
