import type { Mutant } from "../mutant.js";
import { mixedCalls } from "./mixed-calls.js";
import { mixedCodecs } from "./mixed-codecs.js";

/** Mutants that show only if devices, codecs, connections or calls are mixed. */
export const mixtures: readonly Mutant[] = [...mixedCalls, ...mixedCodecs];
