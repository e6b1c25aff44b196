import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { MessageSchema } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import { type SendResponse, SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { refuse } from "../../../../reference-server/errors.js";
import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import { wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, mapSend, storeAgain } from "./parts.js";

/** Faults of the chapter "Send": what is accepted, stored and answered. */
export const sendAccept: readonly Mutant[] = [
  {
    name: "send-refuses-each-fiftieth",
    breaks: "SEND-ACCEPT",
    about: "each fiftieth Send fails with an internal error",
    operations: wrapSend((real) => {
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
    about: "Send answers at once and stores 20 milliseconds later",
    seenIn: "matrix-org/synapse#16473",
    operations: wrapSend((real) => {
      const answered = new Map<string, SendResponse>();
      return (service, caller, request) => {
        const { clientMessageId: id, payload } = request;
        const key = `${caller.account.userId} ${id}`;
        const recipient = service.accounts.get(request.recipientId);
        const refusable =
          id === "" ||
          Buffer.byteLength(id) > 64 ||
          payload.length > service.options.maxPayloadBytes ||
          recipient === undefined ||
          recipient.inbox.svrSeq >= 0xffff_fff0;
        if (refusable || findRecord(service, caller, id) !== undefined) return real(service, caller, request);
        const earlier = answered.get(key);
        if (earlier !== undefined) return earlier;

        const now = service.options.now();
        const then: Service = Object.create(service, { options: { value: { ...service.options, now: () => now } } });
        setTimeout(() => {
          answered.delete(key);
          try {
            real(then, caller, request);
          } catch {
            // It was answered with success, and is lost.
          }
        }, 20);
        const answer = create(SendResponseSchema, { acceptedAt: timestampFromMs(now) });
        answered.set(key, answer);
        return answer;
      };
    }),
  },
  {
    name: "send-loses-each-hundredth",
    breaks: "SEND-VISIBLE",
    about: "each hundredth message is accepted and never stored; its dedup record is",
    seenIn: "nats-io/nats-server#6415",
    operations: wrapSend((real) => {
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
    operations: mapSend(({ payload }) => ({ payload: Buffer.from(Buffer.from(payload).toString("utf8")) })),
  },
  {
    name: "send-bytes-of-a-full-buffer",
    breaks: "SEND-BYTES",
    about: "a payload that fills a buffer of 4096 bytes loses the last one",
    operations: mapSend(({ payload }) => ({ payload: payload.length === 4096 ? payload.subarray(0, -1) : payload })),
  },
  {
    name: "send-size-of-a-full-buffer",
    breaks: "SEND-SIZES",
    about: "a payload that fills a buffer of 4096 bytes is refused as too large",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === 4096) throw refuse(Reason.PAYLOAD_TOO_LARGE, "the buffer is full");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-trims-payloads",
    breaks: "SEND-BYTES",
    about: "zero bytes at a payload's end are cut off",
    operations: mapSend(({ payload }) => ({
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
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === 0) throw refuse(Reason.MALFORMED, "payload is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-maximum-is-exclusive",
    breaks: "SEND-SIZES",
    about: "a payload of exactly max_payload_bytes is refused",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === service.options.maxPayloadBytes)
        throw refuse(Reason.PAYLOAD_TOO_LARGE, "too large");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-payload-unbounded",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "a payload one byte over the declared maximum is taken",
    operations: wrapSend((real) => (service, caller, request) => {
      const { length } = request.payload;
      if (length !== service.options.maxPayloadBytes + 1) return real(service, caller, request);
      return storeAgain(service, caller, request);
    }),
  },
  {
    name: "send-payload-cut-to-size",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "a payload that is too large is cut off silently",
    operations: wrapSend(
      (real) => (service, caller, request) =>
        real(service, caller, { ...request, payload: request.payload.subarray(0, service.options.maxPayloadBytes) }),
    ),
  },
  {
    name: "send-id-empty-taken",
    breaks: "SEND-ID-LIMIT",
    about: "an empty client_message_id gets one of the server's making",
    operations: mapSend(({ clientMessageId }) => ({
      clientMessageId: clientMessageId === "" ? `made-${performance.now()}` : clientMessageId,
    })),
  },
  {
    name: "send-id-limit-in-characters",
    breaks: "SEND-ID-LIMIT",
    about: "client_message_id is limited to 64 characters rather than bytes",
    operations: wrapSend((real) => (service, caller, request) => {
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
    operations: wrapSend((real) => (service, caller, request) => {
      if (service.accounts.get(request.recipientId) !== undefined) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) });
    }),
  },
  {
    name: "send-to-oneself-refused",
    breaks: "SEND-SELF",
    about: "a message to the sender's own account is refused",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.recipientId === caller.account.userId) throw refuse(Reason.RECIPIENT_UNKNOWN, "not to yourself");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-order-by-id",
    breaks: "SEND-ORDER",
    about: "two messages of one sender that wait together are put in the order of a hash of their ids",
    seenIn: "alberliu/gim#92",
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
    operations: wrapSend((real) => (service, caller, request) => {
      real(service, caller, request);
      return create(SendResponseSchema);
    }),
  },
  {
    name: "send-reveals-the-seq",
    breaks: "SEND-SEQ-HIDDEN",
    about: "the answer has the recipient's seq in a further field",
    operations: wrapSend((real) => (service, caller, request) => {
      const answer = real(service, caller, request);
      const seq = service.accounts.get(request.recipientId)?.inbox.svrSeq ?? 0;
      return { ...answer, $unknown: [{ no: 2, wireType: 0, data: varint(seq) }] };
    }),
  },
  {
    name: "send-seq-in-nanoseconds",
    breaks: "SEND-SEQ-HIDDEN",
    about: "accepted_at is made unique by the last digits of the seq, which the sender can read there",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        // The same object goes into the answer and the dedup record.
        if (message.acceptedAt) message.acceptedAt.nanos += (this.svrSeq + 1) % 1_000_000;
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-inbox-drops-the-oldest",
    breaks: "SEND-BACKLOG",
    about: "a full inbox makes room by dropping its oldest message",
    seenIn: "openimsdk/open-im-server#320",
    options: { maxBacklog: 500 },
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.pending.size >= this.limits.maxBacklog) this.ack(this.ackedSeq + 1);
        return super.append(message);
      }
    },
  },
];

/** A number as a protobuf varint. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
