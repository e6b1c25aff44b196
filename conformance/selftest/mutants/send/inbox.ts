import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type SendResponse, SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { Inbox, MAX_SEQ, type NewMessage } from "../../../../reference-server/inbox.js";
import { wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord } from "./parts.js";

/** Inboxes that a test can fill. */
const SMALL = { maxBacklog: 300 };

/** Faults of the chapter "Send": how it goes where an inbox is full or has no seq left. */
export const sendInbox: readonly Mutant[] = [
  {
    name: "send-full-for-ever",
    breaks: "SEND-BACKLOG",
    about: "what counts against the bound is all that ever came, acked or not: an inbox that was full once stays so",
    inbox: class extends Inbox {
      readonly #start = this.svrSeq;
      override append(message: NewMessage) {
        if (this.svrSeq < MAX_SEQ && this.svrSeq - this.#start >= 300) throw refuse(Reason.BACKLOG_FULL, "full");
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-though-empty",
    breaks: "SEND-ACCEPT",
    about: "an inbox that was emptied is said to be full once before it takes the next message",
    inbox: class extends Inbox {
      #told = this.svrSeq;
      override append(message: NewMessage) {
        if (this.svrSeq < MAX_SEQ && this.pending.size === 0 && this.svrSeq > this.#told) {
          this.#told = this.svrSeq;
          throw refuse(Reason.BACKLOG_FULL, "full");
        }
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-sender-is-refused",
    breaks: "SEND-ACCEPT",
    about: "the backlog that is compared with the bound is the sender's",
    operations: wrapSend((real) => (service, caller, request) => {
      if (caller.account.inbox.pending.size >= 300 && request.recipientId !== caller.account.userId)
        throw refuse(Reason.BACKLOG_FULL, "full");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-exhausted-sender-is-refused",
    breaks: "SEND-ACCEPT",
    about: "who has an exhausted inbox cannot send",
    operations: wrapSend((real) => (service, caller, request) => {
      const known = service.accounts.get(request.recipientId) !== undefined;
      if (caller.account.inbox.svrSeq === MAX_SEQ && known && request.recipientId !== caller.account.userId)
        throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-full-tells-state",
    breaks: "SEND-SEQ-HIDDEN",
    about: "the refusal of a full inbox has its svr_seq and epoch in the details, as others have",
    options: SMALL,
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.svrSeq < MAX_SEQ && this.pending.size >= this.limits.maxBacklog)
          throw refuse(Reason.BACKLOG_FULL, "full", this.state());
        return super.append(message);
      }
    },
  },
  {
    name: "send-exhausted-tells-state",
    breaks: "SEND-SEQ-HIDDEN",
    about: "the refusal of an exhausted inbox has its svr_seq and epoch in the details, as others have",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.svrSeq === MAX_SEQ) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left", this.state());
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-before-bounds",
    breaks: "ERR-ORDER",
    about: "a full inbox refuses before the id and the payload are measured",
    options: SMALL,
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      const used = findRecord(service, caller, request.clientMessageId) !== undefined;
      if (inbox !== undefined && !used && inbox.pending.size >= 300) throw refuse(Reason.BACKLOG_FULL, "full");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-exhausted-before-payload-bound",
    breaks: "ERR-ORDER",
    about: "an exhausted inbox refuses before the payload is measured",
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (inbox?.svrSeq === MAX_SEQ && request.payload.length > service.options.maxPayloadBytes)
        throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-full-knows-pending-only",
    breaks: "SEND-RETRY-FIRST",
    about: "a full inbox recognises what is in it; the repetition of what was acked is refused",
    options: SMALL,
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (record !== undefined && inbox !== undefined && inbox.pending.size >= 300) {
        const there = [...inbox.pending.values()].some((m) => m.clientMessageId === request.clientMessageId);
        if (!there) throw refuse(Reason.BACKLOG_FULL, "full");
      }
      return real(service, caller, request);
    }),
  },
  {
    name: "send-full-binds-its-id",
    breaks: "SEND-ID-FREE",
    about: "an id that a full inbox has refused is good for the same message only",
    options: SMALL,
    operations: wrapSend((real) => {
      const bound = new Map<string, string>();
      return (service, caller, request) => {
        const key = `${caller.account.userId} ${request.clientMessageId}`;
        const content = `${request.recipientId} ${Buffer.from(request.payload).toString("base64")}`;
        if ((bound.get(key) ?? content) !== content) throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "used");
        try {
          return real(service, caller, request);
        } catch (error) {
          if (error instanceof Refusal && error.detail?.reason === Reason.BACKLOG_FULL) bound.set(key, content);
          throw error;
        }
      };
    }),
  },
  {
    name: "send-full-leaves-a-record",
    breaks: "SEND-ID-FREE",
    about:
      "the record of a Send is there before the inbox is found to be full: its repetition succeeds, and is nowhere",
    options: SMALL,
    operations: wrapSend((real) => {
      const refused = new Map<string, SendResponse>();
      return (service, caller, request) => {
        const content = Buffer.from(request.payload).toString("base64");
        const key = [caller.account.userId, request.recipientId, request.clientMessageId, content].join(" ");
        const earlier = refused.get(key);
        if (earlier !== undefined) return earlier;
        try {
          return real(service, caller, request);
        } catch (error) {
          const now = service.options.now();
          if (error instanceof Refusal && error.detail?.reason === Reason.BACKLOG_FULL)
            refused.set(key, create(SendResponseSchema, { acceptedAt: timestampFromMs(now) }));
          throw error;
        }
      };
    }),
  },
  {
    name: "race-last-seq-looked-at-again",
    breaks: "SEND-RETRY-FIRST",
    about:
      "a Send looks for a record, then waits for the inbox: the repetition of the one that took the last seq is refused",
    race: true,
    operations: (real) => ({
      send: async (service, caller, request) => {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const known = findRecord(service, caller, request.clientMessageId) !== undefined;
        if (inbox === undefined || known || Buffer.byteLength(request.clientMessageId) > 64)
          return real.send(service, caller, request);
        await pause(5); // other calls go on meanwhile
        if (inbox.svrSeq === MAX_SEQ && request.clientMessageId !== "" && request.payload.length <= 65_536)
          throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
        return real.send(service, caller, request);
      },
    }),
  },
];
