import type { Refused, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SyncTicket } from "./numbering.js";

/** The two reasons that speak of where an inbox stands, and the requirement that wants its state told with them. */
const RULE: Readonly<Partial<Record<Reason, "EPOCH-MISMATCH" | "ACK-AHEAD">>> = {
  [Reason.EPOCH_MISMATCH]: "EPOCH-MISMATCH",
  [Reason.CLI_SEQ_AHEAD]: "ACK-AHEAD",
};

/** The requirement that a refusal falls under; undefined if a history cannot tell whether it was right. */
export const ruleOf = ({ reason }: Refused) => RULE[reason];

/** What is wrong with refusing this Sync for this reason; undefined if nothing is. */
export function judgeReason(
  call: SyncCall,
  { reason }: Refused,
  { numbering, svrFloor }: SyncTicket,
): ViolationText | undefined {
  const told = Reason[reason] ?? "";
  const breached = (requirement: RequirementId, message: string, expected = "an answer", actual = told) => ({
    requirement,
    message,
    expected,
    actual,
  });
  if (reason === Reason.EPOCH_MISMATCH) {
    if (call.epoch === "") return breached("EPOCH-UNCHECKED", "a Sync without an epoch was refused for its epoch");
    if (call.epoch === numbering.epoch)
      return breached("SYNC-ANSWER", "a Sync with the right epoch was refused for it");
    return undefined;
  }
  if (call.epoch !== "" && numbering.epoch !== undefined && call.epoch !== numbering.epoch) {
    return breached("ERR-ORDER", "cli_seq was checked before the epoch that it belongs to", "EPOCH_MISMATCH");
  }
  if (call.cliSeq > svrFloor.seq) return undefined;
  const known = `${call.cliSeq} is not above svr_seq, which was at least ${svrFloor.seq}`;
  return breached(
    call.cliSeq > numbering.log.highest ? "ACK-UNFETCHED" : "SYNC-ANSWER",
    "a Sync that is not ahead was refused as ahead",
    "an answer",
    `${told}, though ${known}`,
  );
}

/** What is wrong with the state that the refusal tells, as far as it is too old or of another epoch; undefined if nothing is. */
export function judgeState(
  refusal: Refused,
  requirement: RequirementId,
  { numbering, svrFloor }: SyncTicket,
): ViolationText | undefined {
  if (numbering.epoch !== undefined && refusal.epoch !== numbering.epoch)
    return {
      requirement,
      message: "a refusal does not tell the current epoch",
      expected: `"${numbering.epoch}"`,
      actual: `"${refusal.epoch}"`,
    };
  if (refusal.svrSeq < svrFloor.seq)
    return {
      requirement,
      message: "a refusal does not tell the current svr_seq",
      expected: `at least ${svrFloor.seq}`,
      actual: String(refusal.svrSeq),
    };
  return undefined;
}
