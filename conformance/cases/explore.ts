import type { Case } from "../harness/case.js";
import type { RequirementId } from "../requirements/requirements.js";

/** What random traffic can break that no single stimulus may. The judge knows all rules; these are the ones that races break. */
const RACES: readonly [RequirementId, ...RequirementId[]] = [
  "SYNC-LINEARIZABLE",
  "SEND-VISIBLE",
  "SEND-RETRY-CONCURRENT",
  "SEQ-CONTIGUOUS",
  "SEQ-PARALLEL",
  "ACK-MONOTONE",
  "ACK-NO-REDELIVERY",
  "ACK-REDELIVER",
];

/** A short exploration: its seeds are fixed, so that two runs of the suite ask the same. `seqsync explore` goes further. */
export const exploration: readonly Case[] = [
  {
    id: "explore/quiet-network",
    title: "60 random programs of senders and devices side by side; nothing is lost on the way",
    requirements: RACES,
    bulk: true,
    needs: { accounts: 0 },
    run: (t) => t.explore({ runs: 60, seed: 1, faults: "none" }),
  },
  {
    id: "explore/hostile-network",
    title: "60 random programs on a network that loses, doubles, cuts and delays",
    requirements: RACES,
    bulk: true,
    needs: { accounts: 0 },
    run: (t) => t.explore({ runs: 60, seed: 2, faults: "heavy" }),
  },
];
