import type { Mutant } from "../mutant.js";
import { formBodies } from "./form-bodies.js";
import { formHeaders } from "./form-headers.js";

/** Mutants that show only if requests are written in several ways. */
export const forms: readonly Mutant[] = [...formHeaders, ...formBodies];
