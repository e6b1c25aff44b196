import type { RequirementId } from "../requirements/requirements.js";

/**
 * Requirements that the judge can check in the traffic of an exploration. A requirement that was never exercised was
 * not checked.
 */
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

/**
 * Prerequisite of a rule that a server, its accounts or the network may lack. Without it, the rule is not exercised.
 */
export const NEEDS: Readonly<Partial<Record<RequirementId, "watch" | "rotate" | "faults">>> = {
  "EPOCH-RENEWED": "rotate",
  "WATCH-FIRST": "watch",
  "WATCH-MONOTONE": "watch",
  "WATCH-PRIVATE": "watch",
  "WATCH-SYNC": "watch",
  "SEND-RETRY-CONCURRENT": "faults",
};

/** Connect codes with which a server reports a failure of its own (ruling R20). */
export const SERVER_FAILURE_CODES: readonly string[] = ["internal", "unknown", "data_loss"];
