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
import { findRecord, mapSend, storeDuplicate } from "./shared.js";

/** Mutants of the chapter "Send": accepted messages, what is stored, and the response. */
export const sendAccept: readonly Mutant[] = [
  {
    name: "send-refuses-each-fiftieth",
    breaks: "SEND-ACCEPT",
    about: "refuses every fiftieth Send with RECIPIENT_UNKNOWN",
    operations: wrapSend((real) => {
      let count = 0;
      return (service, caller, request) => {
        count += 1;
        if (count % 50 === 0) throw refuse(Reason.RECIPIENT_UNKNOWN, "a fault");
        return real(service, caller, request);
      };
    }),
  },
  {
    name: "send-acks-before-it-stores",
    breaks: "SEND-VISIBLE",
    about: "responds to a Send 20 ms before it stores the message",
    seenIn: "matrix-org/synapse#16473",
    operations: wrapSend((real) => {
      const inFlight = new Map<string, SendResponse>();
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
        const earlier = inFlight.get(key);
        if (earlier !== undefined) return earlier;

        const now = service.options.now();
        const then: Service = Object.create(service, { options: { value: { ...service.options, now: () => now } } });
        setTimeout(() => {
          inFlight.delete(key);
          try {
            real(then, caller, request);
          } catch {
            // The client has already received a success response: the message is lost.
          }
        }, 20);
        const response = create(SendResponseSchema, { acceptedAt: timestampFromMs(now) });
        inFlight.set(key, response);
        return response;
      };
    }),
  },
  {
    name: "send-loses-each-hundredth",
    breaks: "SEND-VISIBLE",
    about: "accepts every hundredth message without storing it, but keeps its dedup record",
    seenIn: "nats-io/nats-server#6415",
    operations: wrapSend((real) => {
      let count = 0;
      return (service, caller, request) => {
        const recipient = service.accounts.get(request.recipientId);
        const response = real(service, caller, request);
        count += 1;
        if (count % 100 === 0 && recipient !== undefined && recipient.inbox.pending.delete(recipient.inbox.svrSeq))
          recipient.inbox.svrSeq -= 1;
        return response;
      };
    }),
  },
  {
    name: "send-bytes-as-text",
    breaks: "SEND-BYTES",
    about: "stores payloads as text, which corrupts bytes that are not UTF-8",
    operations: mapSend(({ payload }) => ({ payload: Buffer.from(Buffer.from(payload).toString("utf8")) })),
  },
  {
    name: "send-bytes-of-a-full-buffer",
    breaks: "SEND-BYTES",
    about: "drops the last byte of a payload of 4096 bytes",
    operations: mapSend(({ payload }) => ({ payload: payload.length === 4096 ? payload.subarray(0, -1) : payload })),
  },
  {
    name: "send-size-of-a-full-buffer",
    breaks: "SEND-SIZES",
    about: "refuses a payload of 4096 bytes as too large",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === 4096) throw refuse(Reason.PAYLOAD_TOO_LARGE, "the buffer is full");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-trims-payloads",
    breaks: "SEND-BYTES",
    about: "removes zero bytes from the end of a payload",
    operations: mapSend(({ payload }) => ({
      payload: payload.subarray(0, payload.findLastIndex((byte) => byte !== 0) + 1),
    })),
  },
  {
    name: "send-id-normalised",
    breaks: "SEND-BYTES",
    about: "stores client_message_id in lower case",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        return super.append({ ...message, clientMessageId: message.clientMessageId.toLowerCase() });
      }
    },
  },
  {
    name: "send-empty-payload-refused",
    breaks: "SEND-SIZES",
    about: "refuses an empty payload as missing",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === 0) throw refuse(Reason.MALFORMED, "payload is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-maximum-is-exclusive",
    breaks: "SEND-SIZES",
    about: "refuses a payload of exactly max_payload_bytes",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.payload.length === service.options.maxPayloadBytes)
        throw refuse(Reason.PAYLOAD_TOO_LARGE, "too large");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-payload-unbounded",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "accepts a payload of one byte more than max_payload_bytes",
    operations: wrapSend((real) => (service, caller, request) => {
      const { length } = request.payload;
      if (length !== service.options.maxPayloadBytes + 1) return real(service, caller, request);
      return storeDuplicate(service, caller, request);
    }),
  },
  {
    name: "send-payload-cut-to-size",
    breaks: "SEND-PAYLOAD-LIMIT",
    about: "truncates a payload that is too large",
    operations: wrapSend(
      (real) => (service, caller, request) =>
        real(service, caller, { ...request, payload: request.payload.subarray(0, service.options.maxPayloadBytes) }),
    ),
  },
  {
    name: "send-id-empty-taken",
    breaks: "SEND-ID-LIMIT",
    about: "accepts an empty client_message_id, and generates one",
    operations: mapSend(({ clientMessageId }) => ({
      clientMessageId: clientMessageId === "" ? `made-${performance.now()}` : clientMessageId,
    })),
  },
  {
    name: "send-id-limit-in-characters",
    breaks: "SEND-ID-LIMIT",
    about: "limits client_message_id to 64 characters instead of 64 bytes",
    operations: wrapSend((real) => (service, caller, request) => {
      const { clientMessageId } = request;
      if (Buffer.byteLength(clientMessageId) <= 64 || [...clientMessageId].length > 64)
        return real(service, caller, request);
      return storeDuplicate(service, caller, request);
    }),
  },
  {
    name: "send-to-nobody-accepted",
    breaks: "SEND-RECIPIENT",
    about: "accepts a Send to an account that does not exist",
    operations: wrapSend((real) => (service, caller, request) => {
      if (service.accounts.get(request.recipientId) !== undefined) return real(service, caller, request);
      return create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) });
    }),
  },
  {
    name: "send-to-oneself-refused",
    breaks: "SEND-SELF",
    about: "refuses a Send to the sender's own account",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.recipientId === caller.account.userId) throw refuse(Reason.RECIPIENT_UNKNOWN, "not to yourself");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-order-by-id",
    breaks: "SEND-ORDER",
    about: "swaps every seventh message with the pending message before it",
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
    about: "delivers accepted_at one second later than the Send response reported",
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
    about: "omits accepted_at from Send responses",
    operations: wrapSend((real) => (service, caller, request) => {
      real(service, caller, request);
      return create(SendResponseSchema);
    }),
  },
  {
    name: "send-reveals-the-seq",
    breaks: "SEND-SEQ-HIDDEN",
    about: "reveals the recipient's seq in an unknown field of the Send response",
    operations: wrapSend((real) => (service, caller, request) => {
      const response = real(service, caller, request);
      const seq = service.accounts.get(request.recipientId)?.inbox.svrSeq ?? 0;
      return { ...response, $unknown: [{ no: 2, wireType: 0, data: varint(seq) }] };
    }),
  },
  {
    name: "send-seq-in-nanoseconds",
    breaks: "SEND-SEQ-HIDDEN",
    about: "encodes the seq in the nanoseconds of accepted_at",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        // The response and the dedup record share this object.
        if (message.acceptedAt) message.acceptedAt.nanos += (this.svrSeq + 1) % 1_000_000;
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-inbox-drops-the-oldest",
    breaks: "SEND-BACKLOG",
    about: "drops the oldest message of a full inbox to make room",
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

/** Encodes a number as a protobuf varint. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
