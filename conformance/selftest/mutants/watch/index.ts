import type { Mutant } from "../mutant.js";
import { watchEnds } from "./ends.js";
import { watchFrames } from "./frames.js";
import { watchHttp } from "./http.js";

/** Mutants of the chapter "Watch". */
export const watch: readonly Mutant[] = [...watchFrames, ...watchEnds, ...watchHttp];
