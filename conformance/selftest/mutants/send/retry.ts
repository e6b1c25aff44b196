import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type SendResponse, SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { refuse } from "../../../../reference-server/errors.js";
import { isJson, readAll, rpcOf, withBody, wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, forgetWhen, mergeIds, rememberLast, storeAgain } from "./parts.js";

/** Faults of the chapter "Send": repetitions, and what an id is good for. */
export const sendRetry: readonly Mutant[] = [
  {
    name: "send-retry-stored-twice",
    breaks: "SEND-RETRY",
    about: "there is no dedup: a repeated Send is another message",
    seenIn: "matrix-org/synapse#1481",
    operations: wrapSend(
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
    operations: wrapSend((real) => (service, caller, request) => {
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
    operations: wrapSend((real) => (service, caller, request) => {
      if (findRecord(service, caller, request.clientMessageId) !== undefined)
        throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "duplicate");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-retry-cache-of-500",
    breaks: "SEND-RETRY-LATER",
    about: "only the last 500 ids of a sender are remembered",
    seenIn: "matrix-org/synapse#3365",
    operations: rememberLast(500),
  },
  {
    name: "send-retry-cache-of-1100",
    breaks: "SEND-RETRY-LATER",
    about: "only the last 1100 ids of a sender are remembered",
    operations: rememberLast(1100),
  },
  {
    name: "send-retry-forgotten-with-the-watch",
    breaks: "SEND-RETRY-LATER",
    about: "what a sender has sent is forgotten when a Watch of theirs ends",
    operations: (real) => {
      const gone = new Map<object, number>();
      return {
        ...forgetWhen((_request, { account }, { acceptedAt }) => timestampMs(acceptedAt) < (gone.get(account) ?? 0))(
          real,
        ),
        watch: (service, caller, stream) => {
          stream.onClose(() => gone.set(caller.account, service.options.now()));
          real.watch(service, caller, stream);
        },
      };
    },
  },
  {
    name: "send-retry-after-ack",
    breaks: "SEND-RETRY-LATER",
    about: "the dedup record goes with the message when it is acked",
    seenIn: "session-foundation/session-ios#711",
    operations: wrapSend((real) => (service, caller, request) => {
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
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (inbox?.svrSeq === 0xffff_ffff) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-id-reused-silently",
    breaks: "SEND-ID-REUSED",
    about: "other content under a used id is answered like a repetition, and lost",
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      if (record?.recipientId !== request.recipientId) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: record.acceptedAt });
    }),
  },
  {
    name: "send-id-reused-for-another-recipient",
    breaks: "SEND-ID-REUSED",
    about: "ids are scoped to the pair of sender and recipient",
    operations: wrapSend((real) => (service, caller, request) => {
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
    seenIn: "nensii21/devlink#773",
    operations: wrapSend((real) => {
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
    operations: wrapSend((real) => {
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
    operations: wrapSend((real) => {
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
    operations: wrapSend(mergeIds((id) => id.slice(0, 48))),
  },
  {
    name: "send-ids-in-three-bytes",
    breaks: "SEND-VISIBLE",
    about: "a database has three bytes a character: ids that differ in an emoji only are taken for each other",
    operations: wrapSend(mergeIds((id) => id.replace(/[\u{10000}-\u{10ffff}]/gu, "?"))),
  },
  {
    name: "send-content-compared-as-text",
    breaks: "SEND-ID-REUSED",
    about: "payloads are compared as text, in which all that is no UTF-8 is the same",
    operations: comparing((payload) => Buffer.from(payload).toString("utf8")),
  },
  {
    name: "send-content-compared-by-a-short-hash",
    breaks: "SEND-ID-REUSED",
    about: "the digest of a payload is Arrays.hashCode",
    operations: comparing((payload) => javaHash(payload)),
  },
  {
    name: "send-id-shared-by-a-conversation",
    breaks: "SEND-ID-SCOPE",
    about: "ids are unique within a conversation: the answer under the id that one has just used is a repetition",
    operations: wrapSend((real) => {
      const all = new Map<string, { sender: string; answer: SendResponse }>();
      return (service, caller, request) => {
        const me = caller.account.userId;
        const key = [...[me, request.recipientId].sort(), request.clientMessageId].join(" ");
        const earlier = all.get(key);
        if (earlier !== undefined && earlier.sender !== me) return earlier.answer;
        const answer = real(service, caller, request);
        if (earlier === undefined) all.set(key, { sender: me, answer });
        return answer;
      };
    }),
  },
  {
    name: "send-retry-without-a-payload",
    breaks: "SEND-RETRY",
    about: "in JSON an absent payload and an empty one are not the same when a Send is repeated",
    handler: (real) => {
      const forms = new Map<string, boolean>();
      return async (req, res) => {
        if (rpcOf(req) !== "Send" || !isJson(req)) return real(req, res);
        const body = await readAll(req);
        if (body === undefined) return;
        let out = body;
        try {
          const json = JSON.parse(body.toString());
          const key = `${req.headers.authorization} ${json.clientMessageId ?? json.client_message_id}`;
          const absent = json.payload === undefined || json.payload === null;
          const first = forms.get(key);
          if (first === undefined) forms.set(key, absent);
          else if (first !== absent) out = Buffer.from(JSON.stringify({ ...json, payload: "bnVsbA==" }));
        } catch {}
        real(withBody(req, out), res);
      };
    },
  },
  {
    name: "send-retry-window-of-5-seconds",
    breaks: "SEND-RETRY-LATER",
    about: "records live for 5 seconds, whatever window is declared",
    operations: forgetWhen((_request, _caller, { acceptedAt }) => Date.now() - timestampMs(acceptedAt) > 5000),
  },
  {
    name: "send-retry-ids-of-36-characters",
    breaks: "SEND-RETRY",
    about: "the records' column takes a UUID of 36 characters and cuts what is longer: such an id is not found again",
    operations: forgetWhen(({ clientMessageId }) => clientMessageId.length > 36),
  },
  {
    name: "send-retry-ids-trimmed",
    breaks: "SEND-RETRY",
    about: "a record's id is trimmed when it is stored, and not when it is looked up",
    operations: forgetWhen(({ clientMessageId }) => clientMessageId.trim() !== clientMessageId),
  },
  {
    name: "send-retry-to-oneself-after-ack",
    breaks: "SEND-RETRY-LATER",
    about: "who sends to himself finds the records in his own inbox: what he has acked he can send again",
    operations: forgetWhen(
      ({ recipientId, clientMessageId }, { account: { userId, inbox } }) =>
        recipientId === userId && ![...inbox.pending.values()].some((it) => it.clientMessageId === clientMessageId),
    ),
  },
  {
    name: "send-retry-forgotten-by-own-ack",
    breaks: "SEND-RETRY-LATER",
    about: "an ack deletes the records of what the acking account has sent, rather than of what it was sent",
    operations: (real) => {
      const dropped = new Set<string>();
      const mine = new Map<string, Set<string>>();
      return {
        send: (service, caller, request) => {
          const me = caller.account.userId;
          const key = `${me} ${request.clientMessageId}`;
          const record = findRecord(service, caller, request.clientMessageId);
          const current = service.accounts.get(request.recipientId)?.inbox.epoch === record?.epoch;
          if (dropped.delete(key) && record?.recipientId === request.recipientId && current)
            return storeAgain(service, caller, request);
          const answer = real.send(service, caller, request);
          mine.set(me, (mine.get(me) ?? new Set()).add(key));
          return answer;
        },
        sync: (service, caller, request) => {
          const before = caller.account.inbox.ackedSeq;
          const answer = real.sync(service, caller, request);
          if (answer.ackedSeq > before) {
            for (const key of mine.get(caller.account.userId) ?? []) dropped.add(key);
            mine.delete(caller.account.userId);
          }
          return answer;
        },
      };
    },
  },
];

/** Takes the payload of a Send for the first one's under its id if they look the same. */
function comparing(look: (payload: Uint8Array) => string) {
  return wrapSend((real) => {
    const firsts = new Map<string, Uint8Array>();
    return (service, caller, request) => {
      const key = `${caller.account.userId} ${request.recipientId} ${request.clientMessageId}`;
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, request.payload);
      const isSame = first !== undefined && look(first) === look(request.payload);
      return real(service, caller, isSame ? { ...request, payload: first } : request);
    };
  });
}

/** The hash of an array in Java: 32 bits, and easily met. */
const javaHash = (values: Iterable<number>) => {
  let hash = 1;
  for (const value of values) hash = (Math.imul(hash, 31) + value) | 0;
  return `${hash}`;
};
