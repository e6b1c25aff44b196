import type { WatchFrame } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Numbering } from "./numbering.js";

/** Judges a frame by itself and by the previous frame of its Watch. */
export function judgeFrame(
  previous: WatchFrame | undefined,
  { epoch, svrSeq }: WatchFrame,
  exercised: (requirement: RequirementId) => void,
): ViolationDetail[] {
  const violations: ViolationDetail[] = [];
  exercised("WATCH-MONOTONE");
  const epochBytes = Buffer.byteLength(epoch);
  if (epochBytes < 1 || epochBytes > 64)
    violations.push({
      requirement: "EPOCH-PRESENT",
      message: "a frame has no valid epoch",
      expected: "epoch: 1 to 64 bytes",
      actual: `epoch: ${epochBytes} bytes`,
    });
  if (previous?.epoch === epoch && svrSeq < previous.svrSeq)
    violations.push({
      requirement: "WATCH-MONOTONE",
      message: "svr_seq decreased within a Watch",
      expected: `svr_seq: at least ${previous.svrSeq}, as in the frame before`,
      actual: `svr_seq: ${svrSeq}`,
    });
  return violations;
}

/** Judges the first frame of a Watch by the `svr_seq` that was known when the Watch was opened. */
export function judgeFirstFrame(floor: number, { svrSeq }: WatchFrame): ViolationDetail | undefined {
  if (svrSeq >= floor) return undefined;
  return {
    requirement: "WATCH-FIRST",
    message: "the first frame of a Watch is older than the state when the Watch was opened",
    expected: `svr_seq: at least ${floor}, as responses before the Watch showed`,
    actual: `svr_seq: ${svrSeq}`,
  };
}

/** Returns the violation of a frame whose `svr_seq` is higher than the whole history explains. */
export function excessFrameViolation({ svrSeq, svrCeiling }: NonNullable<Numbering["excessFrame"]>): ViolationDetail {
  return {
    requirement: "WATCH-PRIVATE",
    message: "a frame reports more messages than were sent to this inbox",
    expected: `svr_seq: at most ${svrCeiling}`,
    actual: `svr_seq: ${svrSeq}`,
  };
}
