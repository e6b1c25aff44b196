import { create } from "@bufbuild/protobuf";
import { type ErrorDetail, ErrorDetailSchema, Reason } from "../proto/gen/seqsync/v1/error_pb.js";

/** The Connect codes that this server answers with, each with its HTTP status. Closed: nothing else leaves the server. */
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

/** The one code of each reason (spec, "Errors"). */
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

/** A call is refused and has changed nothing. What it carries goes to the client: never another account's data. */
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

/** Refuses for a reason of the table; `state` is the inbox's current one, where the reason asks for it. */
export function refuse(
  reason: Exclude<Reason, Reason.UNSPECIFIED>,
  message: string,
  state?: { svrSeq: number; epoch: string },
): Refusal {
  return new Refusal(CODE_OF[reason], message, create(ErrorDetailSchema, { reason, ...state }));
}
