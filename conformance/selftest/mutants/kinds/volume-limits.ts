import { create } from "@bufbuild/protobuf";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { MessageSchema } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import type { Account } from "../../../../reference-server/accounts.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { Inbox, type NewMessage, type Page } from "../../../../reference-server/inbox.js";
import { mapPage, wrapSend, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, storeDuplicate } from "../send/shared.js";
import { loseUpTo, pendingBytes, recordKey, repeatWhen, reviveTokens } from "./shared.js";

const kind = "volumes";

/** Mutants that are wrong only with many or much: limits of tables, buffers, batches and caches. */
export const volumeLimits: readonly Mutant[] = [
  {
    name: "volume-drops-beyond-8-mib",
    breaks: "SEND-VISIBLE",
    about: "accepts messages to an inbox with more than 8 MiB pending, but does not store them",
    seenIn: "eclipse-mosquitto/mosquitto#1593",
    kind,
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        return pendingBytes(this) > 8 << 20 ? create(MessageSchema, message) : super.append(message);
      }
    },
  },
  {
    name: "volume-ring-of-1024",
    breaks: "SEND-BACKLOG",
    about: "keeps the newest 1024 pending messages of an inbox, and drops the oldest one for each further message",
    seenIn: "wildfirechat/im-server#289",
    kind,
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const stored = super.append(message);
        if (this.pending.size > 1024) loseUpTo(this, this.ackedSeq + 1);
        return stored;
      }
    },
  },
  {
    name: "volume-2000-behind",
    breaks: "ACK-REDELIVER",
    about: "gives a device that is more than 2000 messages behind the newest 2000 only",
    seenIn: "sanyok12345/teleproto#16",
    kind,
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const from = this.svrSeq - cliSeq > 2000 ? this.svrSeq - 2000 : cliSeq;
        return super.sync(from, epoch, pageSize);
      }
    },
  },
  {
    name: "volume-acks-1000-at-once",
    breaks: "ACK-IMPLICIT",
    about: "deletes at most 1000 messages when a Sync acks more",
    seenIn: "apache/qpid-broker-j#23",
    kind,
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        super.ack(Math.min(cliSeq, this.ackedSeq + 1000));
      }
    },
  },
  {
    name: "volume-cache-of-10000-ids",
    breaks: "SEND-RETRY-LATER",
    about: "remembers only the 10000 ids that were used last on the whole server",
    seenIn: "noxdafox/rabbitmq-message-deduplication#3",
    kind,
    operations: wrapSend((real) => {
      const places = new Map<string, number>();
      let count = 0;
      return (service, caller, request) => {
        const key = recordKey(caller.account.userId, request.clientMessageId);
        const forgotten = count - (places.get(key) ?? count) > 10_000;
        const record = findRecord(service, caller, request.clientMessageId);
        const response =
          forgotten && record?.recipientId === request.recipientId
            ? storeDuplicate(service, caller, request)
            : real(service, caller, request);
        count += 1;
        places.set(key, count);
        return response;
      };
    }),
  },
  {
    name: "volume-watches-of-250-accounts",
    breaks: "WATCH-WAKE",
    about: "does not listen for changes on behalf of an account if Watches of 250 others are open",
    seenIn: "Zimbra/zm-mailbox#615",
    kind,
    operations: (real) => {
      const open = new Map<Account, number>();
      return wrapWatch((stream, { account }) => {
        const deaf = !open.has(account) && open.size >= 250;
        if (deaf) return repeatWhen(stream, () => true);
        open.set(account, (open.get(account) ?? 0) + 1);
        stream.onClose(() => {
          const left = (open.get(account) ?? 1) - 1;
          if (left === 0) open.delete(account);
          else open.set(account, left);
        });
        return stream;
      })(real);
    },
  },
  {
    name: "volume-page-of-1-mib",
    breaks: "SEND-BYTES",
    about: "cuts off the payloads of a page that exceed its buffer of 1 MiB",
    seenIn: "gwsystems/sledge-serverless-framework#243",
    kind,
    inbox: mapPage((page) => {
      let room = 1 << 20;
      const messages = page.messages.map((message) => {
        const payload = message.payload.subarray(0, room);
        room -= payload.length;
        return { ...message, payload };
      });
      return { ...page, messages };
    }),
  },
  {
    name: "volume-watch-255",
    breaks: "WATCH-WAKE",
    about: "forgets the oldest Watch of an account when more than 255 are open",
    kind,
    operations: (real) => {
      const open = new Map<Account, Set<object>>();
      return wrapWatch((stream, { account }) => {
        const ids = open.get(account) ?? new Set();
        open.set(account, ids);
        const id = {};
        ids.add(id);
        const [oldest] = ids;
        if (ids.size > 255 && oldest !== undefined) ids.delete(oldest);
        stream.onClose(() => ids.delete(id));
        return repeatWhen(stream, () => !ids.has(id));
      })(real);
    },
  },
  {
    name: "volume-wakes-late-in-a-flood",
    breaks: "WATCH-WAKE",
    about: "delays the frames of a Watch by eight seconds while more than 1500 messages are pending",
    kind,
    operations: wrapWatch((stream, { account }) => {
      let first = true;
      let over = false;
      stream.onClose(() => {
        over = true;
      });
      return {
        ...stream,
        write: (frame) => {
          if (first || account.inbox.pending.size <= 1500) {
            first = false;
            return stream.write(frame);
          }
          setTimeout(() => over || stream.write(frame), 8000).unref();
          return true;
        },
      };
    }),
  },
  {
    name: "volume-full-is-a-failed-precondition",
    breaks: "SEND-BACKLOG",
    about: "refuses a Send to an inbox with 4096 pending messages with failed_precondition and without a reason",
    kind,
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.pending.size >= 4096) throw new Refusal("failed_precondition", "queue length limit");
        return super.append(message);
      }
    },
  },
  {
    name: "volume-revocations-of-64",
    breaks: "AUTH-REVOKED",
    about: "remembers only the latest 64 revocations",
    kind,
    ...reviveTokens(({ revocationsSince }) => revocationsSince >= 64),
  },
  {
    name: "volume-watches-of-a-pool-of-100",
    breaks: "WATCH-FIRST",
    about: "lets each Watch hold one of 100 connections to a database, so that the 101st of all accounts waits for one",
    seenIn: "open-webui/open-webui#28183",
    kind,
    operations: (real) => {
      let used = 0;
      const waiting = new Set<() => void>();
      return {
        watch: (service, caller, stream) => {
          let isOpen = false;
          const open = () => {
            waiting.delete(open);
            isOpen = true;
            used += 1;
            real.watch(service, caller, stream);
          };
          stream.onClose(() => {
            waiting.delete(open);
            if (!isOpen) return;
            used -= 1;
            const [next] = waiting;
            next?.();
          });
          if (used < 100) open();
          else waiting.add(open);
        },
      };
    },
  },
  {
    name: "volume-full-after-a-loss",
    breaks: "SEND-BACKLOG",
    about: "does not reset the count of pending messages under a new epoch, so that an inbox that was full stays full",
    seenIn: "rabbitmq/rabbitmq-server#1806",
    kind,
    options: { maxBacklog: 1000 },
    inbox: class extends Inbox {
      #count = 0;
      override append(message: NewMessage) {
        if (this.#count >= this.limits.maxBacklog) throw refuse(Reason.BACKLOG_FULL, "the inbox is full");
        const stored = super.append(message);
        this.#count += 1;
        return stored;
      }
      protected override ack(cliSeq: number): void {
        this.#count -= Math.max(0, cliSeq - this.ackedSeq);
        super.ack(cliSeq);
      }
    },
  },
];
