import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type SendRequest,
  type SendResponse,
  SendResponseSchema,
} from "../../../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../../../../reference-server/accounts.js";
import type { DedupRecord } from "../../../../reference-server/dedup.js";
import type { Operations } from "../../../../reference-server/http/methods.js";
import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import { wrapSend } from "../interceptors.js";
import type { InboxClass } from "../mutant.js";

/** Stores a message without checking the dedup records. */
export function storeDuplicate(
  service: Service,
  { account }: Caller,
  { recipientId, clientMessageId, payload }: SendRequest,
): SendResponse {
  const acceptedAt = timestampFromMs(service.options.now());
  const recipient = service.accounts.get(recipientId);
  recipient?.inbox.append({ senderId: account.userId, clientMessageId, payload, acceptedAt });
  for (const watcher of recipient?.watchers ?? []) watcher.changed();
  return create(SendResponseSchema, { acceptedAt });
}

/** Returns the dedup record of the caller's earlier Send with this id. */
export const findRecord = (service: Service, { account }: Caller, id: string) =>
  service.dedup.find(account.userId, id, service.options.now());

/** Changes fields of each Send request. */
export const mapSend = (change: (request: SendRequest, caller: Caller) => Partial<SendRequest>) =>
  wrapSend((real) => (service, caller, request) => real(service, caller, { ...request, ...change(request, caller) }));

/** Treats a Send as a retry of another one with the same content if `normalize` maps both ids to the same text. */
export function mergeIds(normalize: (id: string) => string): (real: Operations["send"]) => Operations["send"] {
  return (real) => {
    const ids = new Map<string, string>();
    return (service, caller, request) => {
      const content = Buffer.from(request.payload).toString("base64");
      const key = [caller.account.userId, request.recipientId, content, normalize(request.clientMessageId)].join(" ");
      const clientMessageId = ids.get(key) ?? request.clientMessageId;
      ids.set(key, clientMessageId);
      return real(service, caller, { ...request, clientMessageId });
    };
  };
}

/** Changes the ids of messages when they are stored. */
export const mapStoredIds = (change: (id: string) => string): InboxClass =>
  class extends Inbox {
    override append(message: NewMessage) {
      return super.append({ ...message, clientMessageId: change(message.clientMessageId) });
    }
  };

/** Remembers only the last `most` ids of each sender. */
export const rememberLast = (most: number) =>
  wrapSend((real) => {
    const counts = new Map<string, number>();
    const places = new Map<string, number>();
    return (service, caller, request) => {
      const { userId } = caller.account;
      const key = `${userId} ${request.clientMessageId}`;
      const count = counts.get(userId) ?? 0;
      const place = places.get(key);
      if (place !== undefined && count - place > most) return storeDuplicate(service, caller, request);
      if (place === undefined) {
        places.set(key, count);
        counts.set(userId, count + 1);
      }
      return real(service, caller, request);
    };
  });

/** Stores a retried Send again if `isForgotten` returns true for its dedup record. */
export const forgetWhen = (isForgotten: (request: SendRequest, caller: Caller, record: DedupRecord) => boolean) =>
  wrapSend((real) => (service, caller, request) => {
    const record = findRecord(service, caller, request.clientMessageId);
    const inbox = service.accounts.get(request.recipientId)?.inbox;
    const isRetry = record?.recipientId === request.recipientId && record.epoch === inbox?.epoch;
    return isRetry && isForgotten(request, caller, record)
      ? storeDuplicate(service, caller, request)
      : real(service, caller, request);
  });
