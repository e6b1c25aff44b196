import type { Case } from "../../harness/case.js";
import { mixedDevices } from "./devices.js";
import { limits } from "./limits.js";
import { losses } from "./losses.js";
import { refusedThenGood } from "./refused-then-good.js";
import { revocations } from "./revocations.js";
import { mixedWatches } from "./watches.js";

/** Cases of several chapters in which clients, calls or states of several kinds meet. */
export const mixtures: readonly Case[] = [
  ...refusedThenGood,
  ...revocations,
  ...limits,
  ...mixedDevices,
  ...losses,
  ...mixedWatches,
];
