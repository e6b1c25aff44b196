import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { SyncRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { HTTP_STATUS, Refusal, refuse } from "../../../reference-server/errors.js";
import { Inbox, type Page } from "../../../reference-server/inbox.js";
import {
  errorOf,
  type HttpResponse,
  isJson,
  mapErrors,
  mapResponses,
  readAll,
  rpcOf,
  withBody,
  wrapSend,
} from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Changes the code, and the status that belongs to it, of the refusals for one reason. */
const withCode = (reason: Reason, code: keyof typeof HTTP_STATUS): NonNullable<Mutant["handler"]> =>
  mapResponses((response) => {
    const error = errorOf(response);
    if (error === undefined || error.details?.[0]?.debug.reason !== `REASON_${Reason[reason]}`) return response;
    return { ...response, status: HTTP_STATUS[code], body: Buffer.from(JSON.stringify({ ...error, code })) };
  });

/** Removes the details from the refusals for one reason. */
const withoutDetails = (reason: Reason): NonNullable<Mutant["handler"]> =>
  mapErrors(({ details, ...error }) =>
    details?.[0] !== undefined && reasonOf(details[0].value) === reason ? error : { ...error, details },
  );

const detail = (reason: Reason) => {
  const value = base64Encode(toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { reason })), "std_raw");
  return { type: ErrorDetailSchema.typeName, value };
};

const reasonOf = (value: string) => fromBinary(ErrorDetailSchema, base64Decode(value)).reason;

/** Mutants of the chapter "Errors". */
export const errors: readonly Mutant[] = [
  {
    name: "err-status-200",
    breaks: "ERR-SHAPE",
    about: "sends errors with status 200",
    handler: mapResponses((response) => (errorOf(response) === undefined ? response : { ...response, status: 200 })),
  },
  {
    name: "err-status-400-for-all",
    breaks: "ERR-SHAPE",
    about: "sends every refusal with status 400, whatever its code",
    handler: mapResponses((response) => (errorOf(response) === undefined ? response : { ...response, status: 400 })),
  },
  {
    name: "err-in-the-codec-of-the-request",
    breaks: "ERR-SHAPE",
    about: "responds to a refused binary request with a binary ErrorDetail",
    handler: mapResponses((response, req) => {
      const value = errorOf(response)?.details?.[0]?.value;
      if (value === undefined || isJson(req)) return response;
      const headers = { ...response.headers, "content-type": "application/proto" };
      return { ...response, headers, body: Buffer.from(base64Decode(value)) };
    }),
  },
  {
    name: "err-within-an-error",
    breaks: "ERR-SHAPE",
    about: "wraps the Connect error of a unary call in a member `error`, as in a stream",
    handler: mapErrors((error) => ({ error })),
  },
  {
    name: "err-code-in-capitals",
    breaks: "ERR-SHAPE",
    about: "writes codes as gRPC does, such as NOT_FOUND",
    handler: mapErrors((error) => ({ ...error, code: error.code.toUpperCase() })),
  },
  {
    name: "err-code-of-an-unknown-recipient",
    breaks: "ERR-CODE",
    about: "refuses an unknown recipient with invalid_argument",
    handler: withCode(Reason.RECIPIENT_UNKNOWN, "invalid_argument"),
  },
  {
    name: "err-code-of-an-epoch",
    breaks: "ERR-CODE",
    about: "refuses an epoch mismatch with out_of_range",
    handler: withCode(Reason.EPOCH_MISMATCH, "out_of_range"),
  },
  {
    name: "err-code-of-the-last-seq",
    breaks: "ERR-CODE",
    about: "refuses a Send to an exhausted inbox with out_of_range",
    handler: withCode(Reason.SEQ_EXHAUSTED, "out_of_range"),
  },
  {
    name: "err-code-of-a-full-inbox",
    breaks: "ERR-CODE",
    about: "refuses a Send to a full inbox with failed_precondition",
    options: { maxBacklog: 300 },
    handler: withCode(Reason.BACKLOG_FULL, "failed_precondition"),
  },
  {
    name: "err-no-reason-of-the-last-seq",
    breaks: "SEQ-EXHAUSTED",
    about: "refuses a Send to an exhausted inbox with a retryable error: resource_exhausted without details",
    handler: withoutDetails(Reason.SEQ_EXHAUSTED),
  },
  {
    name: "err-no-reason-of-a-full-inbox",
    breaks: "SEND-BACKLOG",
    about: "refuses a Send to a full inbox with a retryable error: resource_exhausted without details",
    options: { maxBacklog: 300 },
    handler: withoutDetails(Reason.BACKLOG_FULL),
  },
  {
    name: "err-without-details",
    breaks: "ERR-REASON",
    about: "sends errors without details",
    handler: mapErrors(({ details, ...error }) =>
      // The details of a malformed body are a separate requirement, and only a SHOULD.
      details?.some(({ value }) => reasonOf(value) === Reason.MALFORMED) ? { ...error, details } : error,
    ),
  },
  {
    name: "err-details-twice",
    breaks: "ERR-REASON",
    about: "sends the ErrorDetail twice",
    handler: mapErrors((error) => ({ ...error, details: [...(error.details ?? []), ...(error.details ?? [])] })),
  },
  {
    name: "err-reason-of-a-reused-id",
    breaks: "ERR-REASON",
    about: "refuses a reused id with the reason for an invalid id",
    handler: mapErrors((error) =>
      error.code === "already_exists" ? { ...error, details: [detail(Reason.CLIENT_MESSAGE_ID_INVALID)] } : error,
    ),
  },
  {
    name: "err-body-before-credential",
    breaks: "ERR-ORDER",
    about: "refuses a malformed body before it checks the credential",
    handler: (real) => async (req, res) => {
      if (rpcOf(req) !== "Sync" || isJson(req)) return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      try {
        fromBinary(SyncRequestSchema, body);
      } catch {
        const error = { code: "invalid_argument", details: [detail(Reason.MALFORMED)] };
        res.writeHead(400, { "content-type": "application/json", "cache-control": "no-store" });
        return res.end(JSON.stringify(error));
      }
      return real(withBody(req, body), res);
    },
  },
  {
    name: "err-recipient-before-bounds",
    breaks: "ERR-ORDER",
    about: "looks up the recipient before it checks the size of the id and the payload",
    operations: wrapSend((real) => (service, caller, request) => {
      if (service.accounts.get(request.recipientId) === undefined)
        throw refuse(Reason.RECIPIENT_UNKNOWN, "there is no account with this recipient_id");
      return real(service, caller, request);
    }),
  },
  {
    name: "err-recipient-before-the-length-of-the-id",
    breaks: "ERR-ORDER",
    about: "looks up the recipient before it checks the maximum length of the id",
    operations: wrapSend((real) => (service, caller, request) => {
      const { clientMessageId: id, payload, recipientId } = request;
      if (Buffer.byteLength(id) > 64 && payload.length <= service.options.maxPayloadBytes) {
        if (service.accounts.get(recipientId) === undefined)
          throw refuse(Reason.RECIPIENT_UNKNOWN, "there is no account with this recipient_id");
      }
      return real(service, caller, request);
    }),
  },
  {
    name: "err-long-recipient-before-bounds",
    breaks: "ERR-ORDER",
    about: "refuses a recipient_id of more than 128 bytes before it checks the size of the id and the payload",
    operations: wrapSend((real) => (service, caller, request) => {
      if (Buffer.byteLength(request.recipientId) > 128)
        throw refuse(Reason.RECIPIENT_UNKNOWN, "no account has so long a name");
      return real(service, caller, request);
    }),
  },
  {
    name: "err-cli-seq-before-epoch",
    breaks: "ERR-ORDER",
    about: "checks cli_seq before the epoch to which it belongs",
    seenIn: "turms-im/turms#1569",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (cliSeq > this.svrSeq) throw refuse(Reason.CLI_SEQ_AHEAD, "cli_seq is above svr_seq", this.state());
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "err-refused-send-takes-a-seq",
    breaks: "ERR-UNCHANGED",
    about: "assigns a seq to a Send that it refuses for its size",
    seenIn: "prooph/pdo-event-store#189",
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (request.payload.length > service.options.maxPayloadBytes && inbox !== undefined && inbox.pending.size === 0) {
        inbox.svrSeq += 1;
        inbox.ackedSeq += 1;
      }
      return real(service, caller, request);
    }),
  },
  {
    name: "err-refused-send-is-stored",
    breaks: "ERR-UNCHANGED",
    about: "stores a Send that it refuses for a reused id",
    operations: wrapSend((real) => (service, caller, request) => {
      try {
        return real(service, caller, request);
      } catch (error) {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        if (error instanceof Refusal && error.code === "already_exists")
          inbox?.append({ ...request, senderId: caller.account.userId, acceptedAt: timestampFromMs(0) });
        throw error;
      }
    }),
  },
  {
    name: "err-tells-the-recipient-s-state",
    breaks: "ERR-NO-LEAK",
    about: "reveals the recipient's svr_seq and epoch in the message of a refused Send",
    operations: wrapSend((real) => (service, caller, request) => {
      try {
        return real(service, caller, request);
      } catch (error) {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        if (!(error instanceof Refusal) || inbox === undefined || request.recipientId === caller.account.userId)
          throw error;
        throw new Refusal(error.code, `${error.message} (inbox ${inbox.epoch} at ${inbox.svrSeq})`, error.detail);
      }
    }),
  },
  {
    name: "err-echoes-the-token",
    breaks: "ERR-NO-LEAK",
    about: "quotes the Authorization header in the refusal of an unknown credential",
    handler: mapErrors((error, req) =>
      error.code === "unauthenticated" ? { ...error, message: `not valid: ${req.headers.authorization}` } : error,
    ),
  },
  {
    name: "err-quotes-the-last-message",
    breaks: "ERR-NO-LEAK",
    about: "quotes the id of the last accepted message, of any sender, in the message of an error",
    operations: wrapSend((real) => {
      let last = "";
      return (service, caller, request) => {
        try {
          const response = real(service, caller, request);
          last = request.clientMessageId;
          return response;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          throw new Refusal(error.code, `${error.message}; before: ${last}`, error.detail);
        }
      };
    }),
  },
  {
    name: "err-suggests-an-account",
    breaks: "ERR-NO-LEAK",
    about: "suggests an existing account for an unknown recipient whose id differs only in the last character",
    operations: wrapSend((real) => {
      const known = new Set<string>();
      return (service, caller, request) => {
        const { recipientId } = request;
        if (service.accounts.get(recipientId) !== undefined) known.add(recipientId);
        else {
          const near = [...known].find((userId) => userId.slice(0, -1) === recipientId.slice(0, -1));
          if (near !== undefined) throw refuse(Reason.RECIPIENT_UNKNOWN, `no such account; did you mean ${near}?`);
        }
        return real(service, caller, request);
      };
    }),
  },
  {
    name: "err-names-the-first-recipient",
    breaks: "ERR-NO-LEAK",
    about: "names the first recipient of a reused id in its refusal",
    operations: wrapSend((real) => (service, caller, request) => {
      try {
        return real(service, caller, request);
      } catch (error) {
        if (!(error instanceof Refusal) || error.detail?.reason !== Reason.CLIENT_MESSAGE_ID_REUSED) throw error;
        const before = service.dedup.find(caller.account.userId, request.clientMessageId, service.options.now());
        throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, `used for a message to ${before?.recipientId}`);
      }
    }),
  },
  {
    name: "err-tells-one-s-own-state",
    breaks: "SEND-SEQ-HIDDEN",
    about: "reveals svr_seq and epoch in the detail of a refused Send to the sender's own account",
    operations: wrapSend((real) => (service, caller, request) => {
      try {
        return real(service, caller, request);
      } catch (error) {
        const { userId, inbox } = caller.account;
        if (!(error instanceof Refusal) || error.detail === undefined || request.recipientId !== userId) throw error;
        throw new Refusal(error.code, error.message, { ...error.detail, ...inbox.state() });
      }
    }),
  },
  {
    name: "err-left-over-on-the-connection",
    breaks: "SEND-ACCEPT",
    about: "responds to a Send with the refusal of the Send before it on the same connection",
    handler: (real) => {
      const failed = new WeakMap<object, HttpResponse>();
      return mapResponses((response, req) => {
        const { socket } = req;
        const previous = failed.get(socket);
        failed.delete(socket);
        if (rpcOf(req) !== "Send") return response;
        if (response.status === 200) return previous ?? response;
        if (errorOf(response) !== undefined) failed.set(socket, response);
        return response;
      })(real);
    },
  },
];
