import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Numbering, SvrFloor } from "./numbering.js";

/** What a fall below each kind of floor breaks. */
export const FALL: Readonly<Record<SvrFloor["how"], { requirement: RequirementId; why: string }>> = {
  start: { requirement: "SEQ-MONOTONE", why: "where it began" },
  answer: { requirement: "SEQ-MONOTONE", why: "an earlier answer" },
  frame: { requirement: "WATCH-SYNC", why: "an earlier frame" },
  accepted: { requirement: "SEND-VISIBLE", why: "the messages accepted before" },
};

/** What an answer breaks whose `svr_seq` is below what was known when it was asked for. */
export function belowFloor(floor: SvrFloor, svrSeq: number): ViolationText | undefined {
  if (svrSeq >= floor.seq) return undefined;
  const { requirement, why } = FALL[floor.how];
  return {
    requirement,
    message: `svr_seq is behind ${why}`,
    expected: `at least ${floor.seq}`,
    actual: String(svrSeq),
  };
}

/** What an answer breaks whose `svr_seq` is above all that can have come. */
export function aboveCeiling(numbering: Numbering, svrSeq: number): ViolationText | undefined {
  const { svrCeiling, possible, base, refused, log } = numbering;
  if (svrSeq <= svrCeiling) return undefined;
  return {
    requirement: log.sawDouble ?? (refused > 0 ? "ERR-UNCHANGED" : "SEQ-CONSECUTIVE"),
    message: "svr_seq is beyond what was sent: a seq was burnt, or a message made twice",
    expected: `at most ${svrCeiling}: ${possible} messages can have come after ${base}`,
    actual: String(svrSeq),
  };
}
