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
    report("EPOCH-PRESENT", "a response has no valid epoch", "epoch: 1 to 64 bytes", `epoch: ${epochBytes} bytes`);
  }
  if (call.epoch !== "" && call.epoch !== response.epoch) {
    report(
      "EPOCH-MISMATCH",
      "a Sync with an epoch other than that of the inbox was not refused",
      "a refusal with EPOCH_MISMATCH",
      `a page with epoch "${response.epoch}" to a Sync with epoch "${call.epoch}"`,
    );
  }
  if (call.cliSeq > svrSeq) {
    report(
      "ACK-AHEAD",
      `a Sync with cli_seq ${call.cliSeq}, which is above svr_seq, was not refused`,
      "a refusal with CLI_SEQ_AHEAD",
      `a page with svr_seq ${svrSeq}`,
    );
    return violations;
  }
  if (ackedSeq < call.cliSeq || ackedSeq > svrSeq) {
    const message = ackedSeq > svrSeq ? "acked_seq is above svr_seq" : "acked_seq is below the cli_seq of the Sync";
    const range = `acked_seq: from ${call.cliSeq}, the cli_seq of the request, to ${svrSeq}, the svr_seq`;
    report("SYNC-BASE", message, range, `acked_seq: ${ackedSeq}`);
  }

  const seqs = messages.map(({ seq }) => seq);
  if (seqs.includes(0)) report("SEQ-START", "a message has seq 0", "seq: at least 1", "seq: 0");
  const wrong = seqs.findIndex((seq, index) => seq !== ackedSeq + 1 + index);
  if (wrong >= 0) {
    const expected = `seq of message ${wrong + 1} of the page: ${ackedSeq + 1 + wrong}, after acked_seq ${ackedSeq}`;
    report(
      "SYNC-RANGE",
      "a page does not hold consecutive messages from acked_seq + 1",
      expected,
      `seq of message ${wrong + 1} of the page: ${seqs[wrong]}`,
    );
  }
  const last = seqs.at(-1) ?? ackedSeq;
  if (nextCliSeq !== last) {
    const meaning = seqs.length > 0 ? "the seq of the last message" : "the acked_seq, because the page is empty";
    report(
      "SYNC-NEXT",
      "next_cli_seq is not the end of the page",
      `next_cli_seq: ${last}, ${meaning}`,
      `next_cli_seq: ${nextCliSeq}`,
    );
  }
  if (seqs.length > 0 && last > svrSeq) {
    report(
      "SEQ-CONTIGUOUS",
      "a page holds a message above svr_seq",
      `seq: at most ${svrSeq}, the svr_seq`,
      `seq: ${last}`,
    );
  }
  if (seqs.length === 0 && ackedSeq < svrSeq) {
    report(
      "PAGE-PROGRESS",
      "a page is empty although messages are pending",
      `messages: at least message ${ackedSeq + 1}, because svr_seq is ${svrSeq}`,
      "messages: none",
    );
  }
  if (call.pageSize > 0 && seqs.length > call.pageSize) {
    report(
      "PAGE-CAP",
      "a page is larger than the page_size of the request",
      `number of messages: at most ${call.pageSize}`,
      `number of messages: ${seqs.length}`,
    );
  } else if (maxPageSize > 0 && seqs.length > maxPageSize) {
    report(
      "PAGE-MAX",
      "a page is larger than the max_page_size of the server",
      `number of messages: at most ${maxPageSize}`,
      `number of messages: ${seqs.length}`,
    );
  }
  return violations;
}
