import type { Refused, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SyncTicket } from "./numbering.js";

/** The two reasons whose error must hold epoch and `svr_seq` of the inbox, and the requirement that says so. */
const REQUIREMENT_OF: Readonly<Partial<Record<Reason, "EPOCH-MISMATCH" | "ACK-AHEAD">>> = {
  [Reason.EPOCH_MISMATCH]: "EPOCH-MISMATCH",
  [Reason.CLI_SEQ_AHEAD]: "ACK-AHEAD",
};

/** The requirement that a refusal falls under; undefined if a history cannot show whether the refusal was right. */
export const requirementOf = ({ reason }: Refused) => REQUIREMENT_OF[reason];

/** Judges whether this Sync may be refused for this reason. */
export function judgeReason(
  call: SyncCall,
  { reason, epoch }: Refused,
  { numbering, svrFloor }: SyncTicket,
): ViolationDetail | undefined {
  const name = Reason[reason] ?? "";
  const violation = (
    requirement: RequirementId,
    message: string,
    expected = "a page",
    actual = `a refusal with ${name}`,
  ) => ({
    requirement,
    message,
    expected,
    actual,
  });
  if (reason === Reason.EPOCH_MISMATCH) {
    if (call.epoch === "")
      return violation("EPOCH-UNCHECKED", "a Sync without an epoch was refused with EPOCH_MISMATCH");
    if (call.epoch === numbering.epoch && isOtherEpoch(epoch, numbering.epoch))
      return violation(
        "EPOCH-STABLE",
        "the epoch changed without a data loss: a Sync with the former one was refused",
        `epoch: "${numbering.epoch}"`,
        `epoch: "${epoch}"`,
      );
    if (call.epoch === numbering.epoch)
      return violation("SYNC-ANSWER", "a Sync with the current epoch was refused with EPOCH_MISMATCH");
    return undefined;
  }
  if (call.epoch !== "" && numbering.epoch !== undefined && call.epoch !== numbering.epoch) {
    return violation(
      "ERR-ORDER",
      "a Sync with a wrong epoch was refused for its cli_seq: the epoch comes first",
      "reason: EPOCH_MISMATCH",
      `reason: ${name}`,
    );
  }
  if (call.cliSeq > svrFloor.seq) return undefined;
  return violation(
    call.cliSeq > numbering.log.highest ? "ACK-UNFETCHED" : "SYNC-ANSWER",
    "a Sync was refused with CLI_SEQ_AHEAD although its cli_seq is not above svr_seq",
    "a page",
    `a refusal of cli_seq ${call.cliSeq} with ${name}, although svr_seq is at least ${svrFloor.seq}`,
  );
}

/** Whether the epoch in a refusal is another one than that of the inbox so far. */
const isOtherEpoch = (epoch: string, current: string | undefined) =>
  epoch !== "" && current !== undefined && epoch !== current;

/** Judges the state of the inbox in a refusal: it must belong to the current epoch and must not be outdated. */
export function judgeState(
  refusal: Refused,
  requirement: RequirementId,
  { numbering, svrFloor }: SyncTicket,
): ViolationDetail | undefined {
  if (numbering.epoch !== undefined && refusal.epoch !== numbering.epoch)
    return {
      requirement,
      message: "the refusal of a Sync does not carry the current epoch",
      expected: `epoch: "${numbering.epoch}"`,
      actual: `epoch: "${refusal.epoch}"`,
    };
  if (refusal.svrSeq < svrFloor.seq)
    return {
      requirement,
      message: "the refusal of a Sync does not carry the current svr_seq",
      expected: `svr_seq: at least ${svrFloor.seq}`,
      actual: `svr_seq: ${refusal.svrSeq}`,
    };
  return undefined;
}
