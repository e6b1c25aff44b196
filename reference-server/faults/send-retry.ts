import { create } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type SendResponse, SendResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { refuse } from "../errors.js";
import type { Operations } from "../http/methods.js";
import type { Fault } from "./fault.js";
import { sending } from "./seams.js";
import { findRecord, storeAgain } from "./send-parts.js";

/** Faults of the chapter "Send": repetitions, and what an id is good for. */
export const sendRetry: readonly Fault[] = [
  {
    name: "send-retry-stored-twice",
    breaks: "SEND-RETRY",
    about: "there is no dedup: a repeated Send is another message",
    wild: "matrix-org/synapse#1481",
    operations: sending(
      (real) => (service, caller, request) =>
        findRecord(service, caller, request.clientMessageId) === undefined
          ? real(service, caller, request)
          : storeAgain(service, caller, request),
    ),
  },
  {
    name: "send-retry-has-a-new-time",
    breaks: "SEND-RETRY",
    about: "a repeated Send creates nothing but answers another accepted_at",
    operations: sending((real) => (service, caller, request) => {
      const repeated = findRecord(service, caller, request.clientMessageId) !== undefined;
      const answer = real(service, caller, request);
      const at = answer.acceptedAt;
      return repeated && at !== undefined
        ? create(SendResponseSchema, { acceptedAt: { ...at, seconds: at.seconds + 1n } })
        : answer;
    }),
  },
  {
    name: "send-retry-is-an-error",
    breaks: "SEND-RETRY",
    about: "a repeated Send is refused as a duplicate",
    operations: sending((real) => (service, caller, request) => {
      if (findRecord(service, caller, request.clientMessageId) !== undefined)
        throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "duplicate");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-retry-cache-of-500",
    breaks: "SEND-RETRY-LATER",
    about: "only the last 500 ids of a sender are remembered",
    wild: "matrix-org/synapse#3365",
    operations: sending((real) => {
      const counts = new Map<string, number>();
      const places = new Map<string, number>();
      return (service, caller, request) => {
        const { userId } = caller.account;
        const key = `${userId} ${request.clientMessageId}`;
        const count = counts.get(userId) ?? 0;
        const place = places.get(key);
        if (place !== undefined && count - place > 500) return storeAgain(service, caller, request);
        if (place === undefined) {
          places.set(key, count);
          counts.set(userId, count + 1);
        }
        return real(service, caller, request);
      };
    }),
  },
  {
    name: "send-retry-after-ack",
    breaks: "SEND-RETRY-LATER",
    about: "the dedup record goes with the message when it is acked",
    wild: "session-foundation/session-ios#711",
    operations: sending((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (record === undefined || inbox === undefined) return real(service, caller, request);
      const there = [...inbox.pending.values()].some(
        ({ clientMessageId }) => clientMessageId === request.clientMessageId,
      );
      return there || inbox.epoch !== record.epoch
        ? real(service, caller, request)
        : storeAgain(service, caller, request);
    }),
  },
  {
    name: "send-retry-looks-at-the-inbox-first",
    breaks: "SEND-RETRY-FIRST",
    about: "a repeated Send to an inbox that is exhausted since is refused",
    operations: sending((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (inbox?.svrSeq === 0xffff_ffff) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-id-reused-silently",
    breaks: "SEND-ID-REUSED",
    about: "other content under a used id is answered like a repetition, and lost",
    operations: sending((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      if (record?.recipientId !== request.recipientId) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: record.acceptedAt });
    }),
  },
  {
    name: "send-id-reused-for-another-recipient",
    breaks: "SEND-ID-REUSED",
    about: "ids are scoped to the pair of sender and recipient",
    operations: sending((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const other =
        record !== undefined &&
        record.recipientId !== request.recipientId &&
        service.accounts.get(request.recipientId) !== undefined;
      return other ? storeAgain(service, caller, request) : real(service, caller, request);
    }),
  },
  {
    name: "send-id-shared-by-all-senders",
    breaks: "SEND-ID-SCOPE",
    about: "the dedup key is the id alone: another sender's message counts as a repetition",
    wild: "nensii21/devlink#773",
    operations: sending((real) => {
      const all = new Map<string, SendResponse>();
      return (service, caller, request) => {
        const key = `${request.recipientId} ${request.clientMessageId}`;
        const mine = findRecord(service, caller, request.clientMessageId) !== undefined;
        const earlier = all.get(key);
        if (earlier !== undefined && !mine) return earlier;
        const answer = real(service, caller, request);
        all.set(key, answer);
        return answer;
      };
    }),
  },
  {
    name: "send-refused-id-is-burnt",
    breaks: "SEND-ID-FREE",
    about: "the id of a refused Send counts as used",
    operations: sending((real) => {
      const burnt = new Set<string>();
      return (service, caller, request) => {
        const key = `${caller.account.userId} ${request.clientMessageId}`;
        if (burnt.has(key)) throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "used");
        try {
          return real(service, caller, request);
        } catch (error) {
          if (findRecord(service, caller, request.clientMessageId) === undefined) burnt.add(key);
          throw error;
        }
      };
    }),
  },
  {
    name: "send-content-compared-by-its-beginning",
    breaks: "SEND-ID-REUSED",
    about: "of a payload only the first 256 bytes are compared when an id is used again",
    operations: sending((real) => {
      const firsts = new Map<string, Uint8Array>();
      return (service, caller, request) => {
        const key = `${caller.account.userId} ${request.recipientId} ${request.clientMessageId}`;
        const first = firsts.get(key);
        if (first === undefined) firsts.set(key, request.payload);
        const begin = (payload: Uint8Array) => Buffer.from(payload.subarray(0, 256));
        const isSame = first?.length === request.payload.length && begin(first).equals(begin(request.payload));
        return real(service, caller, first !== undefined && isSame ? { ...request, payload: first } : request);
      };
    }),
  },
  {
    name: "send-ids-of-48-characters",
    breaks: "SEND-VISIBLE",
    about: "a database column keeps 48 characters of an id: another one that begins so is taken for a repetition",
    operations: sending(taking((id) => id.slice(0, 48))),
  },
  {
    name: "send-ids-in-three-bytes",
    breaks: "SEND-VISIBLE",
    about: "a database has three bytes a character: ids that differ in an emoji only are taken for each other",
    operations: sending(taking((id) => id.replace(/[\u{10000}-\u{10ffff}]/gu, "?"))),
  },
];

/** Takes a Send for the repetition of another one with the same content whose id looks the same. */
function taking(look: (id: string) => string): (real: Operations["send"]) => Operations["send"] {
  return (real) => {
    const ids = new Map<string, string>();
    return (service, caller, request) => {
      const content = Buffer.from(request.payload).toString("base64");
      const key = [caller.account.userId, request.recipientId, content, look(request.clientMessageId)].join(" ");
      const clientMessageId = ids.get(key) ?? request.clientMessageId;
      ids.set(key, clientMessageId);
      return real(service, caller, { ...request, clientMessageId });
    };
  };
}
