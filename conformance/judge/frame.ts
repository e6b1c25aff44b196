import type { WatchFrame } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Numbering } from "./numbering.js";

/** What can be said of a frame from it and from the one before it in its Watch. */
export function judgeFrame(
  last: WatchFrame | undefined,
  { epoch, svrSeq }: WatchFrame,
  applies: (requirement: RequirementId) => void,
): ViolationText[] {
  const found: ViolationText[] = [];
  applies("WATCH-MONOTONE");
  const epochBytes = Buffer.byteLength(epoch);
  if (epochBytes < 1 || epochBytes > 64)
    found.push({
      requirement: "EPOCH-PRESENT",
      message: "a frame has no valid epoch",
      expected: "an epoch of 1 to 64 bytes",
      actual: `one of ${epochBytes} bytes`,
    });
  if (last?.epoch === epoch && svrSeq < last.svrSeq)
    found.push({
      requirement: "WATCH-MONOTONE",
      message: "a watch went back",
      expected: `at least ${last.svrSeq}`,
      actual: String(svrSeq),
    });
  return found;
}

/** What the first frame of a Watch breaks that is below the `svr_seq` that was known when it was opened. */
export function judgeFirst(floor: number, { svrSeq }: WatchFrame): ViolationText | undefined {
  if (svrSeq >= floor) return undefined;
  return {
    requirement: "WATCH-FIRST",
    message: "the first frame is older than the watch",
    expected: `at least ${floor}`,
    actual: String(svrSeq),
  };
}

/** What a frame breaks that nothing explains, once all is known. */
export function overrunning({ svrSeq, svrCeiling }: NonNullable<Numbering["overrun"]>): ViolationText {
  return {
    requirement: "WATCH-PRIVATE",
    message: "a frame reports more than can have come to this inbox",
    expected: `at most ${svrCeiling}`,
    actual: String(svrSeq),
  };
}
