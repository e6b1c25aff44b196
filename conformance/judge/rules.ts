import type { RequirementId } from "../requirements/requirements.js";

/** What the judge can find in the traffic of an exploration: a rule of these that never applied was not checked. */
export const RULES: readonly RequirementId[] = [
  "SEQ-CONSECUTIVE",
  "SEQ-MONOTONE",
  "SEND-ACCEPTED-AT",
  "SEND-VISIBLE",
  "SEND-RETRY",
  "SEND-RETRY-CONCURRENT",
  "SEND-ID-REUSED",
  "SYNC-BASE",
  "SYNC-RANGE",
  "SYNC-NEXT",
  "SYNC-LINEARIZABLE",
  "ACK-IMPLICIT",
  "ACK-NOT-ON-ANSWER",
  "ACK-REDELIVER",
  "ACK-FAILED",
  "ACK-MONOTONE",
  "ACK-NO-REDELIVERY",
  "ACK-AHEAD",
  "PAGE-CAP",
  "PAGE-PROGRESS",
  "EPOCH-PRESENT",
  "EPOCH-STABLE",
  "EPOCH-MISMATCH",
  "EPOCH-RENEWED",
  "WATCH-FIRST",
  "WATCH-MONOTONE",
  "WATCH-PRIVATE",
  "WATCH-SYNC",
];

/** Of these, which rules need what a server or its accounts may not have. */
export const NEEDS: Readonly<Partial<Record<RequirementId, "watch" | "rotate" | "faults">>> = {
  "EPOCH-RENEWED": "rotate",
  "WATCH-FIRST": "watch",
  "WATCH-MONOTONE": "watch",
  "WATCH-PRIVATE": "watch",
  "WATCH-SYNC": "watch",
  "SEND-RETRY-CONCURRENT": "faults",
};

/** Codes with which a server reports a fault of its own (ruling R20). */
export const FAILURES: readonly string[] = ["internal", "unknown", "data_loss"];
