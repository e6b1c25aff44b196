import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type SendResponse, SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { refuse } from "../../../../reference-server/errors.js";
import { isJson, readAll, rpcOf, withBody, wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, forgetWhen, mergeIds, rememberLast, storeDuplicate } from "./shared.js";

/** Mutants of the chapter "Send": retries and the scope of ids. */
export const sendRetry: readonly Mutant[] = [
  {
    name: "send-retry-stored-twice",
    breaks: "SEND-RETRY",
    about: "stores a retried Send again",
    seenIn: "matrix-org/synapse#1481",
    operations: wrapSend(
      (real) => (service, caller, request) =>
        findRecord(service, caller, request.clientMessageId) === undefined
          ? real(service, caller, request)
          : storeDuplicate(service, caller, request),
    ),
  },
  {
    name: "send-retry-has-a-new-time",
    breaks: "SEND-RETRY",
    about: "returns a different accepted_at for a retried Send",
    operations: wrapSend((real) => (service, caller, request) => {
      const isRetry = findRecord(service, caller, request.clientMessageId) !== undefined;
      const response = real(service, caller, request);
      const at = response.acceptedAt;
      return isRetry && at !== undefined
        ? create(SendResponseSchema, { acceptedAt: { ...at, seconds: at.seconds + 1n } })
        : response;
    }),
  },
  {
    name: "send-retry-is-an-error",
    breaks: "SEND-RETRY",
    about: "refuses a retried Send as a duplicate",
    operations: wrapSend((real) => (service, caller, request) => {
      if (findRecord(service, caller, request.clientMessageId) !== undefined)
        throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "duplicate");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-retry-cache-of-500",
    breaks: "SEND-RETRY-LATER",
    about: "remembers only the last 500 ids of a sender",
    seenIn: "matrix-org/synapse#3365",
    operations: rememberLast(500),
  },
  {
    name: "send-retry-cache-of-1100",
    breaks: "SEND-RETRY-LATER",
    about: "remembers only the last 1100 ids of a sender",
    operations: rememberLast(1100),
  },
  {
    name: "send-retry-forgotten-with-the-watch",
    breaks: "SEND-RETRY-LATER",
    about: "deletes a sender's dedup records when a Watch of the sender ends",
    operations: (real) => {
      const endedAt = new Map<object, number>();
      return {
        ...forgetWhen((_request, { account }, { acceptedAt }) => timestampMs(acceptedAt) < (endedAt.get(account) ?? 0))(
          real,
        ),
        watch: (service, caller, stream) => {
          stream.onClose(() => endedAt.set(caller.account, service.options.now()));
          real.watch(service, caller, stream);
        },
      };
    },
  },
  {
    name: "send-retry-after-ack",
    breaks: "SEND-RETRY-LATER",
    about: "deletes the dedup record when the message is acked",
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
        : storeDuplicate(service, caller, request);
    }),
  },
  {
    name: "send-retry-looks-at-the-inbox-first",
    breaks: "SEND-RETRY-FIRST",
    about: "refuses a retried Send if the inbox has been exhausted since",
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (inbox?.svrSeq === 0xffff_ffff) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-id-reused-silently",
    breaks: "SEND-ID-REUSED",
    about: "treats a Send with a reused id and different content as a retry, and drops the message",
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      if (record?.recipientId !== request.recipientId) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: record.acceptedAt });
    }),
  },
  {
    name: "send-id-reused-for-another-recipient",
    breaks: "SEND-ID-REUSED",
    about: "scopes ids to the pair of sender and recipient",
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const other =
        record !== undefined &&
        record.recipientId !== request.recipientId &&
        service.accounts.get(request.recipientId) !== undefined;
      return other ? storeDuplicate(service, caller, request) : real(service, caller, request);
    }),
  },
  {
    name: "send-id-shared-by-all-senders",
    breaks: "SEND-ID-SCOPE",
    about: "uses the id alone as dedup key, so that another sender's message counts as a retry",
    seenIn: "nensii21/devlink#773",
    operations: wrapSend((real) => {
      const all = new Map<string, SendResponse>();
      return (service, caller, request) => {
        const key = `${request.recipientId} ${request.clientMessageId}`;
        const mine = findRecord(service, caller, request.clientMessageId) !== undefined;
        const earlier = all.get(key);
        if (earlier !== undefined && !mine) return earlier;
        const response = real(service, caller, request);
        all.set(key, response);
        return response;
      };
    }),
  },
  {
    name: "send-refused-id-is-burnt",
    breaks: "SEND-ID-FREE",
    about: "treats the id of a refused Send as used",
    operations: wrapSend((real) => {
      const used = new Set<string>();
      return (service, caller, request) => {
        const key = `${caller.account.userId} ${request.clientMessageId}`;
        if (used.has(key)) throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "used");
        try {
          return real(service, caller, request);
        } catch (error) {
          if (findRecord(service, caller, request.clientMessageId) === undefined) used.add(key);
          throw error;
        }
      };
    }),
  },
  {
    name: "send-content-compared-by-its-beginning",
    breaks: "SEND-ID-REUSED",
    about: "compares only the length and the first 256 bytes of payloads for a reused id",
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
    about: "truncates ids to 48 characters, so that ids with the same prefix count as retries",
    operations: wrapSend(mergeIds((id) => id.slice(0, 48))),
  },
  {
    name: "send-ids-in-three-bytes",
    breaks: "SEND-VISIBLE",
    about: "stores ids in a three-byte character set, so that ids that differ only in an emoji are equal",
    operations: wrapSend(mergeIds((id) => id.replace(/[\u{10000}-\u{10ffff}]/gu, "?"))),
  },
  {
    name: "send-content-compared-as-text",
    breaks: "SEND-ID-REUSED",
    about: "compares payloads as text, so that all invalid UTF-8 is equal",
    operations: compareBy((payload) => Buffer.from(payload).toString("utf8")),
  },
  {
    name: "send-content-compared-by-a-short-hash",
    breaks: "SEND-ID-REUSED",
    about: "compares payloads by Java's 32-bit Arrays.hashCode",
    operations: compareBy((payload) => javaHash(payload)),
  },
  {
    name: "send-id-shared-by-a-conversation",
    breaks: "SEND-ID-SCOPE",
    about: "scopes ids to a conversation, so that a reply with the id of the received message counts as a retry",
    operations: wrapSend((real) => {
      const all = new Map<string, { sender: string; response: SendResponse }>();
      return (service, caller, request) => {
        const me = caller.account.userId;
        const key = [...[me, request.recipientId].sort(), request.clientMessageId].join(" ");
        const earlier = all.get(key);
        if (earlier !== undefined && earlier.sender !== me) return earlier.response;
        const response = real(service, caller, request);
        if (earlier === undefined) all.set(key, { sender: me, response });
        return response;
      };
    }),
  },
  {
    name: "send-retry-without-a-payload",
    breaks: "SEND-RETRY",
    about: "distinguishes an absent JSON payload from an empty one in a retry",
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
    about: "keeps dedup records for 5 seconds, whatever window it declares",
    operations: forgetWhen((_request, _caller, { acceptedAt }) => Date.now() - timestampMs(acceptedAt) > 5000),
  },
  {
    name: "send-retry-ids-of-36-characters",
    breaks: "SEND-RETRY",
    about: "does not find the dedup record of an id of more than 36 characters",
    operations: forgetWhen(({ clientMessageId }) => clientMessageId.length > 36),
  },
  {
    name: "send-retry-ids-trimmed",
    breaks: "SEND-RETRY",
    about: "trims ids when it stores a dedup record, but not when it looks one up",
    operations: forgetWhen(({ clientMessageId }) => clientMessageId.trim() !== clientMessageId),
  },
  {
    name: "send-retry-to-oneself-after-ack",
    breaks: "SEND-RETRY-LATER",
    about: "deletes the dedup record of a Send to the sender's own account when the message is acked",
    operations: forgetWhen(
      ({ recipientId, clientMessageId }, { account: { userId, inbox } }) =>
        recipientId === userId && ![...inbox.pending.values()].some((it) => it.clientMessageId === clientMessageId),
    ),
  },
  {
    name: "send-retry-forgotten-by-own-ack",
    breaks: "SEND-RETRY-LATER",
    about: "deletes the dedup records of the acking account's own Sends",
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
            return storeDuplicate(service, caller, request);
          const response = real.send(service, caller, request);
          mine.set(me, (mine.get(me) ?? new Set()).add(key));
          return response;
        },
        sync: (service, caller, request) => {
          const before = caller.account.inbox.ackedSeq;
          const response = real.sync(service, caller, request);
          if (response.ackedSeq > before) {
            for (const key of mine.get(caller.account.userId) ?? []) dropped.add(key);
            mine.delete(caller.account.userId);
          }
          return response;
        },
      };
    },
  },
];

/** Replaces the payload of a Send by the first one under its id if both have the same digest. */
function compareBy(digest: (payload: Uint8Array) => string) {
  return wrapSend((real) => {
    const firsts = new Map<string, Uint8Array>();
    return (service, caller, request) => {
      const key = `${caller.account.userId} ${request.recipientId} ${request.clientMessageId}`;
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, request.payload);
      const isSame = first !== undefined && digest(first) === digest(request.payload);
      return real(service, caller, isSame ? { ...request, payload: first } : request);
    };
  });
}

/** Java's Arrays.hashCode: 32 bits, with frequent collisions. */
export const javaHash = (values: Iterable<number>) => {
  let hash = 1;
  for (const value of values) hash = (Math.imul(hash, 31) + value) | 0;
  return `${hash}`;
};
