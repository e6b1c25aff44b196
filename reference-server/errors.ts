import { create } from "@bufbuild/protobuf";
import { type ErrorDetail, ErrorDetailSchema, Reason } from "../proto/gen/seqsync/v1/error_pb.js";

/** The Connect codes of this server and their HTTP statuses (spec, "Errors"). The server returns no other error. */
export const HTTP_STATUS = {
  invalid_argument: 400,
  failed_precondition: 400,
  out_of_range: 400,
  unauthenticated: 401,
  not_found: 404,
  already_exists: 409,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
} as const;

export type Code = keyof typeof HTTP_STATUS;

/** The code of each reason (spec, "Errors"). */
export const CODE_OF: Readonly<Record<Exclude<Reason, Reason.UNSPECIFIED>, Code>> = {
  [Reason.CREDENTIAL_INVALID]: "unauthenticated",
  [Reason.MALFORMED]: "invalid_argument",
  [Reason.CLIENT_MESSAGE_ID_INVALID]: "invalid_argument",
  [Reason.PAYLOAD_TOO_LARGE]: "invalid_argument",
  [Reason.RECIPIENT_UNKNOWN]: "not_found",
  [Reason.CLIENT_MESSAGE_ID_REUSED]: "already_exists",
  [Reason.SEQ_EXHAUSTED]: "resource_exhausted",
  [Reason.BACKLOG_FULL]: "resource_exhausted",
  [Reason.EPOCH_MISMATCH]: "failed_precondition",
  [Reason.CLI_SEQ_AHEAD]: "out_of_range",
};

/**
 * The refusal of a call, which has changed nothing. The client receives the message and the detail, so they contain no
 * data of other accounts.
 */
export class Refusal extends Error {
  readonly code: Code;
  readonly detail: ErrorDetail | undefined;

  constructor(code: Code, message: string, detail?: ErrorDetail) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.detail = detail;
  }
}

/** Creates the refusal for a reason. `state` is the state of the inbox, for the reasons that require it. */
export function refuse(
  reason: Exclude<Reason, Reason.UNSPECIFIED>,
  message: string,
  state?: { svrSeq: number; epoch: string },
): Refusal {
  return new Refusal(CODE_OF[reason], message, create(ErrorDetailSchema, { reason, ...state }));
}
