import type { SyncCall, SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";

/** Judges the response to a Sync by itself. A `maxPageSize` of 0 means unknown. */
export function judgePage(
  call: SyncCall,
  response: SyncReturn,
  maxPageSize: number,
  exercised: (requirement: RequirementId) => void,
): ViolationDetail[] {
  const violations: ViolationDetail[] = [];
  const report = (requirement: RequirementId, message: string, expected: string, actual: string) =>
    violations.push({ requirement, message, expected, actual });
  const { ackedSeq, svrSeq, nextCliSeq, messages } = response;
  for (const rule of ["EPOCH-PRESENT", "SYNC-BASE", "SYNC-NEXT"] as const) exercised(rule);
  if (messages.length > 0) exercised("SYNC-RANGE");
  if (ackedSeq < svrSeq) exercised("PAGE-PROGRESS");
  if (call.pageSize > 0) exercised("PAGE-CAP");

  const epochBytes = Buffer.byteLength(response.epoch);
  if (epochBytes < 1 || epochBytes > 64) {
    report(
      "EPOCH-PRESENT",
      "a response has no valid epoch",
      "an epoch of 1 to 64 bytes",
      `an epoch of ${epochBytes} bytes`,
    );
  }
  if (call.epoch !== "" && call.epoch !== response.epoch) {
    report(
      "EPOCH-MISMATCH",
      "the server accepted a Sync with a wrong epoch",
      "a refusal with EPOCH_MISMATCH",
      `a page under epoch "${response.epoch}"`,
    );
  }
  if (call.cliSeq > svrSeq) {
    report(
      "ACK-AHEAD",
      `the server accepted cli_seq ${call.cliSeq}, which is above svr_seq`,
      "a refusal with CLI_SEQ_AHEAD",
      `a page with svr_seq ${svrSeq}`,
    );
    return violations;
  }
  if (ackedSeq < call.cliSeq || ackedSeq > svrSeq) {
    const range = `from ${call.cliSeq}, the cli_seq of the request, to ${svrSeq}, the svr_seq`;
    report("SYNC-BASE", "acked_seq is out of range", range, String(ackedSeq));
  }

  const seqs = messages.map(({ seq }) => seq);
  if (seqs.includes(0)) report("SEQ-START", "a message has seq 0", "at least 1", "0");
  const wrong = seqs.findIndex((seq, index) => seq !== ackedSeq + 1 + index);
  if (wrong >= 0) {
    const expected = `seq ${ackedSeq + 1 + wrong} at position ${wrong + 1} of the page after acked_seq ${ackedSeq}`;
    report(
      "SYNC-RANGE",
      "a page does not hold consecutive messages from acked_seq + 1",
      expected,
      `seq ${seqs[wrong]}`,
    );
  }
  const last = seqs.at(-1) ?? ackedSeq;
  if (nextCliSeq !== last) {
    const meaning = seqs.length > 0 ? "the seq of the last message" : "the acked_seq, because the page is empty";
    report("SYNC-NEXT", "next_cli_seq is not the end of the page", `${last}, ${meaning}`, String(nextCliSeq));
  }
  if (seqs.length > 0 && last > svrSeq) {
    report("SEQ-CONTIGUOUS", "a page holds a message above svr_seq", `at most seq ${svrSeq}`, `seq ${last}`);
  }
  if (seqs.length === 0 && ackedSeq < svrSeq) {
    report(
      "PAGE-PROGRESS",
      "a page is empty although messages are pending",
      `at least message ${ackedSeq + 1}`,
      `no message, with svr_seq ${svrSeq}`,
    );
  }
  if (call.pageSize > 0 && seqs.length > call.pageSize) {
    report(
      "PAGE-CAP",
      "a page is larger than the page_size of the request",
      `at most ${call.pageSize} messages`,
      String(seqs.length),
    );
  } else if (maxPageSize > 0 && seqs.length > maxPageSize) {
    report(
      "PAGE-MAX",
      "a page is larger than the max_page_size of the server",
      `at most ${maxPageSize} messages`,
      String(seqs.length),
    );
  }
  return violations;
}
