import type { Case } from "../../harness/case.js";
import { watchEnds } from "./ends.js";
import { watchFrames } from "./frames.js";
import { watchReopen } from "./reopen.js";
import { severalWatches } from "./several.js";

/** Cases of the chapter "Watch". */
export const watch: readonly Case[] = [...watchFrames, ...severalWatches, ...watchEnds, ...watchReopen];
