import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Epochs } from "./epochs.js";
import type { Sends } from "./sends.js";

/** What the judge of an inbox needs from the rest of the judge. */
export interface InboxContext {
  sends: Sends;
  /** The declared `max_page_size`; 0 if unknown. */
  maxPageSize: () => number;
  /** Whether the server declares the DURABLE profile. */
  durable: () => boolean;
  /** Counts a check that could have found a violation. */
  exercised: (requirement: RequirementId) => void;
  report: (evidence: readonly Event[], violation: ViolationDetail) => void;
}

/** Violations that, after a restart under the same epoch, mean that the server did not keep its data. */
const LOST_IN_RESTART: readonly RequirementId[] = [
  "SEND-VISIBLE",
  "SEQ-MONOTONE",
  "WATCH-SYNC",
  "ACK-NO-REDELIVERY",
  "ACK-IMPLICIT",
  "ACK-MONOTONE",
  "SEQ-IMMUTABLE",
  "SEND-RETRY",
  "SEND-RETRY-CONCURRENT",
];

/**
 * Reports the violations of one inbox: some are attributed to a restart, and some are deferred until it is known that
 * the inbox kept its numbering.
 */
export class InboxReporter {
  readonly #context: InboxContext;
  readonly #epochs: Epochs;
  /** Reports of violations that hold only if the inbox kept its numbering in a restart. */
  #deferred: (() => void)[] = [];

  constructor(context: InboxContext, epochs: Epochs) {
    this.#context = context;
    this.#epochs = epochs;
  }

  /** Reports a violation that a restart does not explain. */
  report(evidence: readonly Event[], violation: ViolationDetail): void {
    this.#context.report(evidence, violation);
  }

  /**
   * Reports a violation that a restart may explain: if there was one, the finding blames the requirement on restarts.
   */
  reportLoss(evidence: readonly Event[], violation: ViolationDetail): void {
    const isRestart = this.#epochs.restarted && LOST_IN_RESTART.includes(violation.requirement);
    const requirement = isRestart ? this.#restartRequirement() : violation.requirement;
    const kept = requirement === "DUR-NEW-EPOCH" ? ", although the epoch is the same as before the restart" : "";
    this.#context.report(evidence, { ...violation, requirement, message: `${violation.message}${kept}` });
  }

  /** Reports at once, or, while the epoch may have changed, once it is known that the inbox kept its numbering. */
  reportIfKept(evidence: readonly Event[], violation: ViolationDetail): void {
    const report = () => this.reportLoss(evidence, violation);
    if (this.#epochs.unsettled) this.#deferred.push(report);
    else report();
  }

  /** Makes the deferred reports, if the inbox is known to have kept its numbering. */
  flushIfSettled(): void {
    if (!this.#epochs.unsettled) for (const report of this.#deferred.splice(0)) report();
  }

  /** Drops the deferred reports: a new numbering began. */
  discardDeferred(): void {
    this.#deferred = [];
  }

  #restartRequirement(): RequirementId {
    return this.#context.durable() ? "DUR-KEEP" : "DUR-NEW-EPOCH";
  }
}
