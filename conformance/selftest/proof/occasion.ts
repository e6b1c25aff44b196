import type { Form } from "./form.js";
import type { AccountLog, Traffic } from "./traffic.js";

/**
 * What a fault hits.
 * - `send`: a Send that stores a new message.
 * - `retry`: a retry of an accepted Send, within the dedup window.
 * - `sync`: a Sync that is not refused.
 * - `refusal`: a Send or Sync that the state of the server refuses.
 * - `wake`: a frame of a Watch about a new message.
 * - `revoked`: a call with a revoked token.
 * - `rotation`: a data loss with a new epoch.
 * - `crash`: one pending message, during a crash.
 */
export const TARGETS = ["send", "retry", "sync", "refusal", "wake", "revoked", "rotation", "crash"] as const;
export type Target = (typeof TARGETS)[number];

/** A moment at which a fault can occur, as the server sees it before the fault. */
export interface Occasion {
  target: Target;
  /** The request that is hit; of a `wake`, the request of the Watch. Undefined for `rotation` and `crash`. */
  form: Form | undefined;
  /** The account that calls. */
  caller: AccountLog;
  /** The account whose inbox it concerns: of a Send, the recipient. */
  inbox: AccountLog;
  /** The message of a Send, a wake or a crash. */
  message: { clientMessageId: string; payload: Uint8Array } | undefined;
  /**
   * Age in milliseconds of what the target is about: of a `retry`, since the acceptance; of a `sync`, since the oldest
   * pending message was accepted; of a `wake`, since the last frame; of a `revoked`, since the revocation; of a `crash`,
   * since the message was accepted. 0 if there is none.
   */
  ageMs: number;
  traffic: Traffic;
}
