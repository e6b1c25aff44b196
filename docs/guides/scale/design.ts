import type { RequirementId } from "../../../conformance/requirements/requirements.js";

/**
 * Where the memory of a Send lies, which has two ends: its sender, whose ids it is about, and its recipient, whose inbox it
 * changes.
 *
 * - `intent`: the sender's shard first notes what an id is for, then the recipient's appends, once for each id, and remembers it
 *   in the same step as the append.
 * - `transaction`: the record lies with the sender; it and the message are committed together, across both shards.
 * - `recipient`: the record lies with the recipient's inbox, and nobody else has one. Not enough.
 */
export type Placement = "intent" | "transaction" | "recipient";

export type Flaw =
  | "no-fence"
  | "early-copy"
  | "records-stay"
  | "acks-stay"
  | "epoch-of-owner"
  | "loss-untold"
  | "sections"
  | "append-again"
  | "intent-answers"
  | "intents-lost"
  | "no-seal"
  | "records-lost";

/** A way to run many inboxes on many machines. */
export interface Design {
  name: string;
  placement: Placement;
  flaw?: Flaw;
  /** What it breaks: of these the judge blames one at least, beside what follows from it. Nothing if the design is right. */
  breaks: readonly RequirementId[];
}

/** These keep every requirement. */
export const RIGHT: readonly Design[] = [
  { name: "intent at the sender's shard, record with the inbox", placement: "intent", breaks: [] },
  { name: "record at the sender's shard, one transaction over both", placement: "transaction", breaks: [] },
];

/** Each of these lacks one thing. */
export const WRONG: readonly Design[] = [
  {
    name: "no fence: an owner that was replaced answers on",
    placement: "intent",
    flaw: "no-fence",
    breaks: [
      "SEND-VISIBLE",
      "SYNC-ANSWER",
      "ACK-AHEAD",
      "SEQ-IMMUTABLE",
      "SYNC-LINEARIZABLE",
      "SEQ-MONOTONE",
      "ACK-NO-REDELIVERY",
      "SEND-RETRY",
    ],
  },
  {
    name: "the copy is taken before the old owner has stopped",
    placement: "intent",
    flaw: "early-copy",
    breaks: ["SEND-VISIBLE", "SEND-RETRY", "ACK-NO-REDELIVERY", "SEND-ID-REUSED"],
  },
  {
    name: "dedup records do not move with the inbox",
    placement: "intent",
    flaw: "records-stay",
    breaks: ["SEND-RETRY", "SEND-RETRY-CONCURRENT", "SEND-ID-REUSED"],
  },
  {
    name: "acked_seq does not move with the inbox",
    placement: "intent",
    flaw: "acks-stay",
    breaks: ["ACK-NO-REDELIVERY"],
  },
  {
    name: "each owner makes up an epoch",
    placement: "intent",
    flaw: "epoch-of-owner",
    breaks: ["EPOCH-STABLE"],
  },
  {
    name: "the latest writes are lost, the epoch stays",
    placement: "intent",
    flaw: "loss-untold",
    breaks: ["EPOCH-RENEWED"],
  },
  {
    name: "seqs are reserved in sections, a restart skips the rest of one",
    placement: "intent",
    flaw: "sections",
    breaks: ["SEQ-CONSECUTIVE", "SYNC-RANGE"],
  },
  {
    name: "dedup records with the recipient only",
    placement: "recipient",
    breaks: ["SEND-ID-REUSED"],
  },
  {
    name: "an intent, but the append is not once for each id",
    placement: "intent",
    flaw: "append-again",
    breaks: ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
  },
  {
    name: "an intent answers for the message",
    placement: "intent",
    flaw: "intent-answers",
    breaks: ["SEND-VISIBLE"],
  },
  {
    name: "intents are lost and not gathered again",
    placement: "intent",
    flaw: "intents-lost",
    breaks: ["SEND-ID-REUSED"],
  },
  {
    name: "an id is used again without a promise that its first intent is dead",
    placement: "intent",
    flaw: "no-seal",
    breaks: ["SEND-ID-REUSED"],
  },
  {
    name: "records at the sender's shard are lost, its recipients keep their epochs",
    placement: "transaction",
    flaw: "records-lost",
    breaks: ["SEND-RETRY", "SEND-RETRY-CONCURRENT", "SEND-ID-REUSED"],
  },
];
