import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";

/** The table of the chapter "Errors". */
const TABLE: Record<Exclude<Reason, Reason.UNSPECIFIED>, [Code, string]> = {
  [Reason.CREDENTIAL_INVALID]: [Code.Unauthenticated, "a valid bearer token is needed"],
  [Reason.MALFORMED]: [Code.InvalidArgument, "the body does not decode"],
  [Reason.CLIENT_MESSAGE_ID_INVALID]: [Code.InvalidArgument, "client_message_id must have 1 to 64 bytes"],
  [Reason.PAYLOAD_TOO_LARGE]: [Code.InvalidArgument, "payload is too long"],
  [Reason.RECIPIENT_UNKNOWN]: [Code.NotFound, "there is no such recipient"],
  [Reason.CLIENT_MESSAGE_ID_REUSED]: [Code.AlreadyExists, "client_message_id was used for another message"],
  [Reason.SEQ_EXHAUSTED]: [Code.ResourceExhausted, "the recipient's inbox has used its last seq"],
  [Reason.BACKLOG_FULL]: [Code.ResourceExhausted, "the recipient's inbox is full"],
  [Reason.EPOCH_MISMATCH]: [Code.FailedPrecondition, "the inbox has another epoch"],
  [Reason.CLI_SEQ_AHEAD]: [Code.OutOfRange, "cli_seq is above svr_seq"],
};

/** A refusal of the table. `inbox` is the caller's own, for the two reasons that report its state. */
export function refusal(
  reason: Exclude<Reason, Reason.UNSPECIFIED>,
  inbox?: { epoch: string; svrSeq: number },
): ConnectError {
  const [code, message] = TABLE[reason];
  const value = { reason, epoch: inbox?.epoch ?? "", svrSeq: inbox?.svrSeq ?? 0 };
  return new ConnectError(message, code, undefined, [{ desc: ErrorDetailSchema, value }]);
}

/** A retryable error for a rate limit or a lack of room: it has no reason, so the client retries. */
export const retryable = (message: string) => new ConnectError(message, Code.ResourceExhausted);
