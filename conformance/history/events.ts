/**
 * Creates the events of a history. They are built as complete objects, because `create` would visit each field, twice
 * for each request.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Event,
  HeaderSchema,
  type SendReturn,
  type SyncCall,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../proto/gen/seqsync/v1/message_pb.js";
import { HISTORY_FORMAT } from "../version.js";
import { fingerprintOf } from "./fingerprint.js";
import { shortenText } from "./shorten.js";

/** The content of an event, without its time and its client. */
export type EventBody = Exclude<Event["body"], { case: undefined }>;

const PACKAGE = "seqsync.conformance.v1";

/** The first event of every history, in the current format. */
export const header = (fields: Omit<MessageInitShape<typeof HeaderSchema>, "$typeName" | "format">): EventBody => ({
  case: "header",
  value: create(HeaderSchema, { ...fields, format: HISTORY_FORMAT }),
});

/** An account is used from now on. `startSeq` is undefined if the account may have been used before. */
export const accountOpened = (userId: string, startSeq?: number): EventBody => ({
  case: "accountOpened",
  value: { $typeName: `${PACKAGE}.AccountOpened`, userId, ...(startSeq === undefined ? {} : { startSeq }) },
});

/** A Send, with its whole payload. */
export function sendCall(call: {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  payload: Uint8Array;
}): EventBody {
  const { senderId, recipientId, clientMessageId } = call;
  const payload = fingerprintOf(call.payload);
  return {
    case: "sendCall",
    value: { $typeName: `${PACKAGE}.SendCall`, senderId, recipientId, clientMessageId, payload },
  };
}

export const sendReturn = (acceptedAt: SendReturn["acceptedAt"]): EventBody => ({
  case: "sendReturn",
  value: { $typeName: `${PACKAGE}.SendReturn`, ...(acceptedAt === undefined ? {} : { acceptedAt }) },
});

export const syncCall = ({ userId, cliSeq, epoch, pageSize }: Omit<SyncCall, "$typeName" | "$unknown">): EventBody => ({
  case: "syncCall",
  value: { $typeName: `${PACKAGE}.SyncCall`, userId, cliSeq, epoch, pageSize },
});

/** The page of a SyncResponse. */
export interface SyncPage {
  epoch: string;
  svrSeq: number;
  ackedSeq: number;
  nextCliSeq: number;
  messages: readonly Omit<Message, "$typeName" | "$unknown">[];
}

export const syncReturn = ({ epoch, svrSeq, ackedSeq, nextCliSeq, messages }: SyncPage): EventBody => ({
  case: "syncReturn",
  value: {
    $typeName: `${PACKAGE}.SyncReturn`,
    epoch: shortenText(epoch),
    svrSeq,
    ackedSeq,
    nextCliSeq,
    messages: messages.map(({ seq, senderId, clientMessageId, payload, acceptedAt }) => ({
      $typeName: `${PACKAGE}.DeliveredMessage`,
      seq,
      senderId: shortenText(senderId),
      clientMessageId: shortenText(clientMessageId),
      payload: fingerprintOf(payload),
      ...(acceptedAt === undefined ? {} : { acceptedAt }),
    })),
  },
});

export const watchCall = (userId: string): EventBody => ({
  case: "watchCall",
  value: { $typeName: `${PACKAGE}.WatchCall`, userId },
});

export const watchFrame = ({ epoch, svrSeq }: { epoch: string; svrSeq: number }): EventBody => ({
  case: "watchFrame",
  value: { $typeName: `${PACKAGE}.WatchFrame`, epoch: shortenText(epoch), svrSeq },
});

/** The stream of a Watch ended without an error. */
export const watchEnd = (): EventBody => ({ case: "watchEnd", value: { $typeName: `${PACKAGE}.WatchEnd` } });

/** A Connect error: HTTP status, code, reason, and the state of the inbox in the ErrorDetail. */
export interface RefusedCall {
  status: number;
  code: string;
  reason?: Reason | undefined;
  detail?: { svrSeq?: number | undefined; epoch?: string | undefined } | undefined;
}

export const refused = ({ status, code, reason = Reason.UNSPECIFIED, detail }: RefusedCall): EventBody => ({
  case: "refused",
  value: {
    $typeName: `${PACKAGE}.Refused`,
    httpStatus: status,
    code: shortenText(code),
    reason,
    svrSeq: detail?.svrSeq ?? 0,
    epoch: shortenText(detail?.epoch ?? ""),
  },
});

/** No complete response, or a retryable error; `why` is for people. */
export const noResponse = (why: string): EventBody => ({
  case: "noResponse",
  value: { $typeName: `${PACKAGE}.NoResponse`, why: shortenText(why) },
});

/** The suite makes an inbox lose its data. */
export const rotateCall = (userId: string): EventBody => ({
  case: "rotateCall",
  value: { $typeName: `${PACKAGE}.RotateCall`, userId },
});

/** The suite revokes a credential of an account. */
export const revokeCall = (userId: string): EventBody => ({
  case: "revokeCall",
  value: { $typeName: `${PACKAGE}.RevokeCall`, userId },
});

/** The suite steps the wall clock of the server; `offsetMs` is the difference to the true time. */
export const stepClockCall = (offsetMs: number): EventBody => ({
  case: "stepClockCall",
  value: { $typeName: `${PACKAGE}.StepClockCall`, offsetMs },
});

/** The suite kills the server and starts it again. */
export const restartCall = (): EventBody => ({ case: "restartCall", value: { $typeName: `${PACKAGE}.RestartCall` } });

/** A fixture call or a restart is done. */
export const done = (): EventBody => ({ case: "done", value: { $typeName: `${PACKAGE}.Done` } });
