import type { RequirementId } from "../../../conformance/requirements/requirements.js";

/**
 * Where the dedup record of a Send is stored. It concerns both the sender, who chose the id, and the recipient, whose
 * inbox changes.
 *
 * - `intent`: the sender's shard first stores the purpose of an id as an intent; then the recipient's shard appends the
 *   message, once for each id, and stores the record in the same step.
 * - `transaction`: the record is at the sender's shard. One transaction over both shards stores record and message.
 * - `recipient`: the record is only with the recipient's inbox. This is not sufficient.
 */
export type Placement = "intent" | "transaction" | "recipient";

/** A deliberate error of a design. */
export type Flaw =
  | "no-fence"
  | "early-copy"
  | "records-stay"
  | "acks-stay"
  | "epoch-of-owner"
  | "loss-hidden"
  | "seq-blocks"
  | "append-twice"
  | "intent-as-message"
  | "intents-lost"
  | "no-seal"
  | "records-lost";

/** A way to run many inboxes on many machines. */
export interface Design {
  name: string;
  placement: Placement;
  flaw?: Flaw;
  /**
   * The requirements that the design violates: the judge blames at least one of them. Empty if the design is correct.
   */
  breaks: readonly RequirementId[];
}

/** Designs that satisfy every requirement. */
export const CORRECT: readonly Design[] = [
  { name: "intent at the sender's shard, record with the inbox", placement: "intent", breaks: [] },
  { name: "record at the sender's shard, one transaction over both", placement: "transaction", breaks: [] },
];

/** Designs with one flaw each. */
export const FAULTY: readonly Design[] = [
  {
    name: "no fence: an owner that was replaced continues to serve",
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
    name: "each owner chooses a new epoch",
    placement: "intent",
    flaw: "epoch-of-owner",
    breaks: ["EPOCH-STABLE"],
  },
  {
    name: "the latest writes are lost, the epoch stays",
    placement: "intent",
    flaw: "loss-hidden",
    breaks: ["EPOCH-RENEWED"],
  },
  {
    name: "seqs are reserved in blocks, a restart skips the rest of one",
    placement: "intent",
    flaw: "seq-blocks",
    breaks: ["SEQ-CONSECUTIVE", "SYNC-RANGE"],
  },
  {
    name: "dedup records with the recipient only",
    placement: "recipient",
    breaks: ["SEND-ID-REUSED"],
  },
  {
    name: "an intent, but the append is not idempotent",
    placement: "intent",
    flaw: "append-twice",
    breaks: ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
  },
  {
    name: "the intent is treated as the accepted message",
    placement: "intent",
    flaw: "intent-as-message",
    breaks: ["SEND-VISIBLE"],
  },
  {
    name: "intents are lost and not recovered",
    placement: "intent",
    flaw: "intents-lost",
    breaks: ["SEND-ID-REUSED"],
  },
  {
    name: "an id is reused without sealing its first intent",
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
