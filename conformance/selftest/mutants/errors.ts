import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { SyncRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { HTTP_STATUS, Refusal, refuse } from "../../../reference-server/errors.js";
import { Inbox, type Page } from "../../../reference-server/inbox.js";
import {
  type Answer,
  errorOf,
  isJson,
  mapErrors,
  mapResponses,
  readAll,
  rpcOf,
  withBody,
  wrapSend,
} from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Gives the refusals for one reason another code, with the status that belongs to it. */
const recoded = (reason: Reason, code: keyof typeof HTTP_STATUS): NonNullable<Mutant["handler"]> =>
  mapResponses((answer) => {
    const error = errorOf(answer);
    if (error === undefined || error.details?.[0]?.debug.reason !== `REASON_${Reason[reason]}`) return answer;
    return { ...answer, status: HTTP_STATUS[code], body: Buffer.from(JSON.stringify({ ...error, code })) };
  });

/** Gives the refusals for one reason no details. */
const unexplained = (reason: Reason): NonNullable<Mutant["handler"]> =>
  mapErrors(({ details, ...error }) =>
    details?.[0] !== undefined && reasonOf(details[0].value) === reason ? error : { ...error, details },
  );

const detail = (reason: Reason) => {
  const value = base64Encode(toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { reason })), "std_raw");
  return { type: ErrorDetailSchema.typeName, value };
};

const reasonOf = (value: string) => fromBinary(ErrorDetailSchema, base64Decode(value)).reason;

/** Faults of the chapter "Errors". */
export const errors: readonly Mutant[] = [
  {
    name: "err-status-200",
    breaks: "ERR-SHAPE",
    about: "errors are answered with status 200, and told in the body",
    handler: mapResponses((answer) => (errorOf(answer) === undefined ? answer : { ...answer, status: 200 })),
  },
  {
    name: "err-status-400-for-all",
    breaks: "ERR-SHAPE",
    about: "each refusal has status 400, whatever its code",
    handler: mapResponses((answer) => (errorOf(answer) === undefined ? answer : { ...answer, status: 400 })),
  },
  {
    name: "err-in-the-codec-of-the-request",
    breaks: "ERR-SHAPE",
    about: "an error to a binary request is an ErrorDetail in binary",
    handler: mapResponses((answer, req) => {
      const value = errorOf(answer)?.details?.[0]?.value;
      if (value === undefined || isJson(req)) return answer;
      const headers = { ...answer.headers, "content-type": "application/proto" };
      return { ...answer, headers, body: Buffer.from(base64Decode(value)) };
    }),
  },
  {
    name: "err-within-an-error",
    breaks: "ERR-SHAPE",
    about: "the error is a member `error` of the body, as in a stream",
    handler: mapErrors((error) => ({ error })),
  },
  {
    name: "err-code-in-capitals",
    breaks: "ERR-SHAPE",
    about: "codes are written as gRPC writes them, such as NOT_FOUND",
    handler: mapErrors((error) => ({ ...error, code: error.code.toUpperCase() })),
  },
  {
    name: "err-code-of-an-unknown-recipient",
    breaks: "ERR-CODE",
    about: "an unknown recipient is refused with invalid_argument",
    handler: recoded(Reason.RECIPIENT_UNKNOWN, "invalid_argument"),
  },
  {
    name: "err-code-of-an-epoch",
    breaks: "ERR-CODE",
    about: "another epoch is refused with out_of_range",
    handler: recoded(Reason.EPOCH_MISMATCH, "out_of_range"),
  },
  {
    name: "err-code-of-the-last-seq",
    breaks: "ERR-CODE",
    about: "an exhausted inbox refuses with out_of_range",
    handler: recoded(Reason.SEQ_EXHAUSTED, "out_of_range"),
  },
  {
    name: "err-code-of-a-full-inbox",
    breaks: "ERR-CODE",
    about: "a full inbox refuses with failed_precondition",
    options: { maxBacklog: 300 },
    handler: recoded(Reason.BACKLOG_FULL, "failed_precondition"),
  },
  {
    name: "err-no-reason-of-the-last-seq",
    breaks: "SEQ-EXHAUSTED",
    about: "an exhausted inbox refuses with resource_exhausted and no details, which asks for another try",
    handler: unexplained(Reason.SEQ_EXHAUSTED),
  },
  {
    name: "err-no-reason-of-a-full-inbox",
    breaks: "SEND-BACKLOG",
    about: "a full inbox refuses with resource_exhausted and no details, which asks for another try",
    options: { maxBacklog: 300 },
    handler: unexplained(Reason.BACKLOG_FULL),
  },
  {
    name: "err-without-details",
    breaks: "ERR-REASON",
    about: "errors have no details",
    handler: mapErrors(({ details, ...error }) =>
      // What a body that does not decode is refused with is a matter of its own, and only a SHOULD.
      details?.some(({ value }) => reasonOf(value) === Reason.MALFORMED) ? { ...error, details } : error,
    ),
  },
  {
    name: "err-details-twice",
    breaks: "ERR-REASON",
    about: "the ErrorDetail comes twice",
    handler: mapErrors((error) => ({ ...error, details: [...(error.details ?? []), ...(error.details ?? [])] })),
  },
  {
    name: "err-reason-of-a-reused-id",
    breaks: "ERR-REASON",
    about: "an id used for other content is refused with the reason for an invalid id",
    handler: mapErrors((error) =>
      error.code === "already_exists" ? { ...error, details: [detail(Reason.CLIENT_MESSAGE_ID_INVALID)] } : error,
    ),
  },
  {
    name: "err-body-before-credential",
    breaks: "ERR-ORDER",
    about: "a body that does not decode is refused before the credential is asked for",
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
    about: "the recipient is looked up before the id and the payload are measured",
    operations: wrapSend((real) => (service, caller, request) => {
      if (service.accounts.get(request.recipientId) === undefined)
        throw refuse(Reason.RECIPIENT_UNKNOWN, "there is no account with this recipient_id");
      return real(service, caller, request);
    }),
  },
  {
    name: "err-recipient-before-the-length-of-the-id",
    breaks: "ERR-ORDER",
    about: "an empty id is refused first of all, but that it is too long is found by the database, after the recipient",
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
    about: "a recipient_id of more than 128 bytes is refused before the id and the payload are measured",
    operations: wrapSend((real) => (service, caller, request) => {
      if (Buffer.byteLength(request.recipientId) > 128)
        throw refuse(Reason.RECIPIENT_UNKNOWN, "no account has so long a name");
      return real(service, caller, request);
    }),
  },
  {
    name: "err-cli-seq-before-epoch",
    breaks: "ERR-ORDER",
    about: "cli_seq is compared before the epoch under which it was counted",
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
    about: "a Send that is refused for its size has used up a seq of the recipient",
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
    about: "a Send whose id was used for other content is refused, after it has been stored",
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
    about: "the message of a refused Send tells the recipient's svr_seq and epoch",
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
    about: "the answer to an unknown credential quotes the header that it came in",
    handler: mapErrors((error, req) =>
      error.code === "unauthenticated" ? { ...error, message: `not valid: ${req.headers.authorization}` } : error,
    ),
  },
  {
    name: "err-quotes-the-last-message",
    breaks: "ERR-NO-LEAK",
    about: "the message of an error quotes what was sent before, by whomever",
    operations: wrapSend((real) => {
      let last = "";
      return (service, caller, request) => {
        try {
          const answer = real(service, caller, request);
          last = request.clientMessageId;
          return answer;
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
    about: "the refusal of an unknown recipient suggests one that there is, if it differs in its last letter only",
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
    about: "the refusal of a reused id names whom it was used for before",
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
    about: "the refusal of a Send to oneself has svr_seq and epoch in its detail, as that of a Sync has",
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
    about: "a Send that follows a refused one on its connection gets that one's refusal",
    handler: (real) => {
      const failed = new WeakMap<object, Answer>();
      return mapResponses((answer, req) => {
        const { socket } = req;
        const left = failed.get(socket);
        failed.delete(socket);
        if (rpcOf(req) !== "Send") return answer;
        if (answer.status === 200) return left ?? answer;
        if (errorOf(answer) !== undefined) failed.set(socket, answer);
        return answer;
      })(real);
    },
  },
];
