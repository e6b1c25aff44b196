import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { MessageSchema } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type SendRequest, type SendResponse, SendResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import { refuse } from "../errors.js";
import type { Operations } from "../http/methods.js";
import { Inbox, type NewMessage } from "../inbox.js";
import type { Service } from "../service.js";
import type { Fault } from "./fault.js";

type Send = Operations["send"];

/** Replaces Send by one that is built around the right one. */
const sending =
  (change: (real: Send) => Send): NonNullable<Fault["operations"]> =>
  (real) => ({ send: change(real.send) });

/** Sends something else than was asked for. */
const altering = (change: (request: SendRequest, caller: Caller) => Partial<SendRequest>) =>
  sending((real) => (service, caller, request) => real(service, caller, { ...request, ...change(request, caller) }));

/** Stores a message without any look at what was sent before. */
function storeAgain(
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

const findRecord = (service: Service, { account }: Caller, id: string) =>
  service.dedup.find(account.userId, id, service.options.now());

/** Faults of the chapter "Send". */
export const send: readonly Fault[] = [
  {
    name: "send-refuses-each-fiftieth",
    breaks: "SEND-ACCEPT",
    about: "each fiftieth Send fails with an internal error",
    operations: sending((real) => {
      let count = 0;
      return (service, caller, request) => {
        count += 1;
        if (count % 50 === 0) throw refuse(Reason.RECIPIENT_UNKNOWN, "lost its way");
        return real(service, caller, request);
      };
    }),
  },
  {
    name: "send-acks-before-it-stores",
    breaks: "SEND-VISIBLE",
    about: "Send answers at once and stores a few milliseconds later",
    wild: "matrix-org/synapse#16473",
    operations: sending((real) => (service, caller, request) => {
      if (findRecord(service, caller, request.clientMessageId) !== undefined) return real(service, caller, request);
      const recipient = service.accounts.get(request.recipientId);
      if (recipient === undefined || request.payload.length > service.options.maxPayloadBytes)
        return real(service, caller, request);
      if (
        recipient.inbox.svrSeq >= 0xffff_fff0 ||
        request.clientMessageId === "" ||
        Buffer.byteLength(request.clientMessageId) > 64
      ) {
        return real(service, caller, request);
      }
      setTimeout(() => real(service, caller, request), 5);
      return create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) });
    }),
  },
  {
    name: "send-loses-each-hundredth",
    breaks: "SEND-VISIBLE",
    about: "each hundredth message is accepted and never stored; its dedup record is",
    wild: "nats-io/nats-server#6415",
    operations: sending((real) => {
      let count = 0;
      return (service, caller, request) => {
        const recipient = service.accounts.get(request.recipientId);
        const answer = real(service, caller, request);
        count += 1;
        if (count % 100 === 0 && recipient !== undefined && recipient.inbox.pending.delete(recipient.inbox.svrSeq))
          recipient.inbox.svrSeq -= 1;
        return answer;
      };
    }),
  },
  {
    name: "send-bytes-as-text",
    breaks: "SEND-BYTES",
    about: "payloads go through a text column, which spoils what is not UTF-8",
    operations: altering(({ payload }) => ({ payload: Buffer.from(Buffer.from(payload).toString("utf8")) })),
  },
  {
    name: "send-trims-payloads",
    breaks: "SEND-BYTES",
    about: "zero bytes at a payload's end are cut off",
    operations: altering(({ payload }) => ({
      payload: payload.subarray(0, payload.findLastIndex((byte) => byte !== 0) + 1),
    })),
  },
  {
    name: "send-id-normalised",
    breaks: "SEND-BYTES",
    about: "client_message_id is stored in lower case",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        return super.append({ ...message, clientMessageId: message.clientMessageId.toLowerCase() });
      }
    },
  },
  {
    name: "send-empty-payload-refused",
    breaks: "SEND-SIZES",
    about: "an empty payload counts as missing",
    operations: sending((real) => (service, caller, request) => {
      if (request.payload.length === 0) throw refuse(Reason.MALFORMED, "payload is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-maximum-is-exclusive",
    breaks: "SEND-SIZES",
    about: "a payload of exactly max_payload_bytes is refused",
    operations: sending((real) => (service, caller, request) => {
      if (request.payload.length === service.options.maxPayloadBytes)
        throw refuse(Reason.PAYLOAD_TOO_LARGE, "too large");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-payload-unbounded",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "a payload one byte over the declared maximum is taken",
    operations: sending((real) => (service, caller, request) => {
      const { length } = request.payload;
      if (length !== service.options.maxPayloadBytes + 1) return real(service, caller, request);
      return storeAgain(service, caller, request);
    }),
  },
  {
    name: "send-payload-cut-to-size",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "a payload that is too large is cut off silently",
    operations: sending(
      (real) => (service, caller, request) =>
        real(service, caller, { ...request, payload: request.payload.subarray(0, service.options.maxPayloadBytes) }),
    ),
  },
  {
    name: "send-id-empty-taken",
    breaks: "SEND-ID-LIMIT",
    about: "an empty client_message_id gets one of the server's making",
    operations: altering(({ clientMessageId }) => ({
      clientMessageId: clientMessageId === "" ? `made-${performance.now()}` : clientMessageId,
    })),
  },
  {
    name: "send-id-limit-in-characters",
    breaks: "SEND-ID-LIMIT",
    about: "client_message_id is limited to 64 characters rather than bytes",
    operations: sending((real) => (service, caller, request) => {
      const { clientMessageId } = request;
      if (Buffer.byteLength(clientMessageId) <= 64 || [...clientMessageId].length > 64)
        return real(service, caller, request);
      return storeAgain(service, caller, request);
    }),
  },
  {
    name: "send-to-nobody-accepted",
    breaks: "SEND-RECIPIENT",
    about: "a Send to an account that does not exist is accepted and dropped",
    operations: sending((real) => (service, caller, request) => {
      if (service.accounts.get(request.recipientId) !== undefined) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) });
    }),
  },
  {
    name: "send-to-oneself-refused",
    breaks: "SEND-SELF",
    about: "a message to the sender's own account is refused",
    operations: sending((real) => (service, caller, request) => {
      if (request.recipientId === caller.account.userId) throw refuse(Reason.RECIPIENT_UNKNOWN, "not to yourself");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-order-by-id",
    breaks: "SEND-ORDER",
    about: "two messages of one sender that wait together are put in the order of a hash of their ids",
    wild: "alberliu/gim#92",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const stored = super.append(message);
        const before = this.pending.get(stored.seq - 1);
        if (before === undefined || stored.seq % 7 !== 0) return stored;
        this.pending.set(stored.seq, create(MessageSchema, { ...before, seq: stored.seq }));
        this.pending.set(before.seq, create(MessageSchema, { ...stored, seq: before.seq }));
        return stored;
      }
    },
  },
  {
    name: "send-accepted-at-of-delivery",
    breaks: "SEND-ACCEPTED-AT",
    about: "accepted_at of a delivered message is one second later than the one that Send answered",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const at = message.acceptedAt;
        return super.append(
          at === undefined ? message : { ...message, acceptedAt: { ...at, seconds: at.seconds + 1n } },
        );
      }
    },
  },
  {
    name: "send-without-accepted-at",
    breaks: "SEND-ACCEPTED-AT",
    about: "Send answers without accepted_at",
    operations: sending((real) => (service, caller, request) => {
      real(service, caller, request);
      return create(SendResponseSchema);
    }),
  },
  {
    name: "send-reveals-the-seq",
    breaks: "SEND-SEQ-HIDDEN",
    about: "the answer has the recipient's seq in a further field",
    operations: sending((real) => (service, caller, request) => {
      const answer = real(service, caller, request);
      const seq = service.accounts.get(request.recipientId)?.inbox.svrSeq ?? 0;
      return { ...answer, $unknown: [{ no: 2, wireType: 0, data: varint(seq) }] };
    }),
  },
  {
    name: "send-full-inbox-drops-the-oldest",
    breaks: "SEND-BACKLOG",
    about: "a full inbox makes room by dropping its oldest message",
    wild: "openimsdk/open-im-server#320",
    options: { maxBacklog: 500 },
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.pending.size >= this.limits.maxBacklog) this.ack(this.ackedSeq + 1);
        return super.append(message);
      }
    },
  },
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
    name: "send-retry-race",
    breaks: "SEND-RETRY-CONCURRENT",
    about: "the dedup record is written a few milliseconds after the message",
    wild: "matrix-org/synapse#8476",
    operations: sending((real) => {
      const fresh = new Map<string, number>();
      return (service, caller, request) => {
        const key = `${caller.account.userId} ${request.clientMessageId}`;
        const since = performance.now() - (fresh.get(key) ?? Number.NEGATIVE_INFINITY);
        if (since < 3 && findRecord(service, caller, request.clientMessageId) !== undefined)
          return storeAgain(service, caller, request);
        fresh.set(key, performance.now());
        return real(service, caller, request);
      };
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
];

/** A number as a protobuf varint. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
