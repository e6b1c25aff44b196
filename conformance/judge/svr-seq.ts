import type { SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Numbering, SvrFloor } from "./numbering.js";

/** The violation of a `svr_seq` below the floor, by the source of the floor. */
export const FLOOR_VIOLATIONS: Readonly<Record<SvrFloor["source"], { requirement: RequirementId; message: string }>> = {
  start: { requirement: "SEQ-MONOTONE", message: "svr_seq is below the value with which the inbox started" },
  response: { requirement: "SEQ-MONOTONE", message: "svr_seq is below the value in an earlier response" },
  frame: { requirement: "WATCH-SYNC", message: "svr_seq is below the value in an earlier frame" },
  accepted: {
    requirement: "SEND-VISIBLE",
    message: "svr_seq does not count a message that was accepted before the call began",
  },
};

/** Judges a `svr_seq` by what was known when its call began. */
export function belowFloor(floor: SvrFloor, svrSeq: number): ViolationDetail | undefined {
  if (svrSeq >= floor.seq) return undefined;
  return {
    ...FLOOR_VIOLATIONS[floor.source],
    expected: `svr_seq: at least ${floor.seq}`,
    actual: `svr_seq: ${svrSeq}`,
  };
}

/** Judges a `svr_seq` by the number of messages that may be in the inbox. */
export function aboveCeiling(numbering: Numbering, svrSeq: number): ViolationDetail | undefined {
  const { svrCeiling, possibleMessages, base, refusedSends, log } = numbering;
  if (svrSeq <= svrCeiling) return undefined;
  return {
    requirement: log.duplicateRequirement ?? (refusedSends > 0 ? "ERR-UNCHANGED" : "SEQ-CONSECUTIVE"),
    message:
      refusedSends > 0
        ? "svr_seq counts more messages than were accepted; a Send was refused"
        : "svr_seq counts more messages than were sent",
    expected: `svr_seq: at most ${svrCeiling}, because ${possibleMessages === 1 ? "1 message" : `${possibleMessages} messages`} can follow seq ${base}`,
    actual: `svr_seq: ${svrSeq}`,
  };
}

/** Whether this page is the first one of an epoch that follows another: its inbox must start with 0. */
export const isRestart = ({ previous, isSeen }: Numbering) => previous !== undefined && !isSeen;

/** Whether the first page of a new epoch goes on with the numbers of the one before. */
export function goesOnCounting(numbering: Numbering, { svrSeq, ackedSeq }: SyncReturn): boolean {
  const { previous, svrCeiling } = numbering;
  if (previous === undefined || !isRestart(numbering)) return false;
  return svrSeq > svrCeiling || (svrSeq === previous.svrSeq && ackedSeq === previous.ackedSeq && ackedSeq > 0);
}

/** Blames the start of a new epoch for numbers that are too high in its first page. */
export const asWrongStart = (violation: ViolationDetail): ViolationDetail => ({
  ...violation,
  requirement: "EPOCH-RESTART",
  message: `under a new epoch an inbox does not start at 0: ${violation.message}`,
});
