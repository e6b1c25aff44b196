import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type SendResponse, SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { Inbox, MAX_SEQ, type NewMessage } from "../../../../reference-server/inbox.js";
import { wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord } from "./shared.js";

/** A backlog limit that a test can reach. */
const SMALL = { maxBacklog: 300 };

/** Mutants of the chapter "Send": full and exhausted inboxes. */
export const sendInbox: readonly Mutant[] = [
  {
    name: "send-full-for-ever",
    breaks: "SEND-BACKLOG",
    about: "counts acked messages against the backlog limit, so that a full inbox stays full",
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
    about: "refuses the first Send to an emptied inbox with BACKLOG_FULL",
    inbox: class extends Inbox {
      #refusedAt = this.svrSeq;
      override append(message: NewMessage) {
        if (this.svrSeq < MAX_SEQ && this.pending.size === 0 && this.svrSeq > this.#refusedAt) {
          this.#refusedAt = this.svrSeq;
          throw refuse(Reason.BACKLOG_FULL, "full");
        }
        return super.append(message);
      }
    },
  },
  {
    name: "send-full-sender-is-refused",
    breaks: "SEND-ACCEPT",
    about: "refuses Sends of an account whose own inbox is full",
    operations: wrapSend((real) => (service, caller, request) => {
      if (caller.account.inbox.pending.size >= 300 && request.recipientId !== caller.account.userId)
        throw refuse(Reason.BACKLOG_FULL, "full");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-exhausted-sender-is-refused",
    breaks: "SEND-ACCEPT",
    about: "refuses Sends of an account whose own inbox is exhausted",
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
    about: "reveals svr_seq and epoch in the detail of a BACKLOG_FULL refusal",
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
    about: "reveals svr_seq and epoch in the detail of a SEQ_EXHAUSTED refusal",
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
    about: "refuses with BACKLOG_FULL before it checks the size of the id and the payload",
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
    about: "refuses with SEQ_EXHAUSTED before it checks the size of the payload",
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
    about: "refuses the retry of an acked message with BACKLOG_FULL",
    options: SMALL,
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (record !== undefined && inbox !== undefined && inbox.pending.size >= 300) {
        const isPending = [...inbox.pending.values()].some((m) => m.clientMessageId === request.clientMessageId);
        if (!isPending) throw refuse(Reason.BACKLOG_FULL, "full");
      }
      return real(service, caller, request);
    }),
  },
  {
    name: "send-full-binds-its-id",
    breaks: "SEND-ID-FREE",
    about: "treats an id that was refused with BACKLOG_FULL as used for that message",
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
    about: "keeps the dedup record of a Send refused with BACKLOG_FULL: its retry succeeds, but nothing is stored",
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
    about: "refuses the concurrent retry of the Send that took the last seq",
    race: true,
    operations: (real) => ({
      send: async (service, caller, request) => {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const known = findRecord(service, caller, request.clientMessageId) !== undefined;
        if (inbox === undefined || known || Buffer.byteLength(request.clientMessageId) > 64)
          return real.send(service, caller, request);
        await pause(5); // other calls proceed
        if (inbox.svrSeq === MAX_SEQ && request.clientMessageId !== "" && request.payload.length <= 65_536)
          throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
        return real.send(service, caller, request);
      },
    }),
  },
];
