import type { SyncCall, SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";

/** What can be said of an answer to a Sync from the answer alone. `maxPageSize` 0 means unknown. */
export function judgePage(
  call: SyncCall,
  answer: SyncReturn,
  maxPageSize: number,
  applies: (requirement: RequirementId) => void,
): ViolationText[] {
  const found: ViolationText[] = [];
  const breach = (requirement: RequirementId, message: string, expected: string, actual: string) =>
    found.push({ requirement, message, expected, actual });
  const { ackedSeq, svrSeq, nextCliSeq, messages } = answer;
  for (const rule of ["EPOCH-PRESENT", "SYNC-BASE", "SYNC-NEXT"] as const) applies(rule);
  if (messages.length > 0) applies("SYNC-RANGE");
  if (ackedSeq < svrSeq) applies("PAGE-PROGRESS");
  if (call.pageSize > 0) applies("PAGE-CAP");

  const epochBytes = Buffer.byteLength(answer.epoch);
  if (epochBytes < 1 || epochBytes > 64) {
    breach("EPOCH-PRESENT", "an answer has no valid epoch", "an epoch of 1 to 64 bytes", `one of ${epochBytes} bytes`);
  }
  if (call.epoch !== "" && call.epoch !== answer.epoch) {
    breach(
      "EPOCH-MISMATCH",
      "a Sync with another epoch was answered",
      "a refusal with EPOCH_MISMATCH",
      `an answer under epoch "${answer.epoch}"`,
    );
  }
  if (call.cliSeq > svrSeq) {
    breach(
      "ACK-AHEAD",
      `Sync(${call.cliSeq}) was answered`,
      "a refusal with CLI_SEQ_AHEAD",
      `an answer with svr_seq ${svrSeq}`,
    );
    return found;
  }
  if (ackedSeq < call.cliSeq || ackedSeq > svrSeq) {
    const range = `an acked_seq from the request's cli_seq ${call.cliSeq} to svr_seq ${svrSeq}`;
    breach("SYNC-BASE", "acked_seq is out of its range", range, String(ackedSeq));
  }

  const seqs = messages.map(({ seq }) => seq);
  if (seqs.includes(0)) breach("SEQ-START", "a message has seq 0", "seqs from 1 on", "0");
  const wrong = seqs.findIndex((seq, index) => seq !== ackedSeq + 1 + index);
  if (wrong >= 0) {
    const expected = `${ackedSeq + 1 + wrong} at place ${wrong + 1} of the page that begins after ${ackedSeq}`;
    breach("SYNC-RANGE", "a page is not what follows acked_seq, one by one", expected, `${seqs[wrong]}`);
  }
  const last = seqs.at(-1) ?? ackedSeq;
  if (nextCliSeq !== last) {
    const what = seqs.length > 0 ? "the last message's seq" : "acked_seq, as there is no message";
    breach("SYNC-NEXT", "next_cli_seq is not where the page ends", `${last}, ${what}`, String(nextCliSeq));
  }
  if (seqs.length > 0 && last > svrSeq) {
    breach("SEQ-CONTIGUOUS", "a page goes beyond svr_seq", `nothing above ${svrSeq}`, `a message with seq ${last}`);
  }
  if (seqs.length === 0 && ackedSeq < svrSeq) {
    breach(
      "PAGE-PROGRESS",
      "a page is empty although messages are pending",
      `at least message ${ackedSeq + 1}`,
      `none, with svr_seq ${svrSeq}`,
    );
  }
  if (call.pageSize > 0 && seqs.length > call.pageSize) {
    breach("PAGE-CAP", "a page is larger than was asked for", `at most ${call.pageSize} messages`, String(seqs.length));
  } else if (maxPageSize > 0 && seqs.length > maxPageSize) {
    breach(
      "PAGE-MAX",
      "a page is larger than the server's declared maximum",
      `at most ${maxPageSize} messages`,
      String(seqs.length),
    );
  }
  return found;
}
