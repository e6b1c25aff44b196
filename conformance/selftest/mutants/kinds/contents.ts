import type { Mutant } from "../mutant.js";
import { contentIds } from "./content-ids.js";
import { contentPayloads } from "./content-payloads.js";

/** Mutants that show only if payloads and ids vary. */
export const contents: readonly Mutant[] = [...contentPayloads, ...contentIds];
