import type { Mutant } from "../mutant.js";
import { crashLosses } from "./crash-losses.js";
import { crashRecovery } from "./crash-recovery.js";

/** Mutants that are wrong only after a crash that found something to lose. */
export const crashes: readonly Mutant[] = [...crashLosses, ...crashRecovery];
