import type { Case } from "../../harness/case.js";
import { dedupRecords } from "./dedup-records.js";
import { idle } from "./idle.js";
import { inOrder } from "./in-order.js";
import { late } from "./late.js";
import { manyAccounts } from "./many-accounts.js";
import { manyEpochs } from "./many-epochs.js";
import { manySeqs } from "./many-seqs.js";
import { manyWatches } from "./many-watches.js";
import { pending } from "./pending.js";
import { revokedForLong } from "./revoked.js";
import { steadyTraffic } from "./steady-traffic.js";

/** Cases of several chapters that run with `--thorough` only. */
export const thorough: readonly Case[] = [
  // The ones that take longest come first.
  ...dedupRecords,
  ...manySeqs,
  ...inOrder,
  ...pending,
  ...manyAccounts,
  ...manyWatches,
  ...manyEpochs,
  ...idle,
  ...steadyTraffic,
  ...revokedForLong,
  ...late,
];
