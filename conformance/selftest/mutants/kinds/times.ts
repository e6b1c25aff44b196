import type { Mutant } from "../mutant.js";
import { expiryTimes } from "./expiry-times.js";
import { watchTimes } from "./watch-times.js";

/** Mutants that are wrong only after a while. */
export const times: readonly Mutant[] = [...expiryTimes, ...watchTimes];
