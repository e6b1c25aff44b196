import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Inbox, type NewMessage, type Page } from "../../../../reference-server/inbox.js";
import { RetainingInbox, readAll, withBody, wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { ForgetfulInbox, loseUpTo, reviveTokens, storeForgotten } from "./shared.js";

const kind = "times";

/** Mutants that are wrong only after a while: expiry, sweeps and idle connections. Those of Watch are in watch-times.ts. */
export const expiryTimes: readonly Mutant[] = [
  {
    name: "time-messages-expire-after-45-s",
    breaks: "ACK-REDELIVER",
    about: "deletes messages that have not been acked within 45 seconds",
    seenIn: "horse-framework/horse-messaging#156",
    kind,
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        for (const { seq, acceptedAt } of this.pending.values()) {
          if (acceptedAt === undefined || Date.now() - timestampMs(acceptedAt) < 45_000) break;
          loseUpTo(this, seq);
        }
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "time-token-back-after-20-s",
    breaks: "AUTH-REVOKED",
    about: "deletes a revocation after 20 seconds, and then accepts the token again",
    seenIn: "wso2/product-apim#9811",
    kind,
    ...reviveTokens(({ at }) => Date.now() - at > 20_000),
  },
  {
    name: "time-idle-connection-loses-a-body",
    breaks: "HTTP-BINARY",
    about: "takes the body of a request for empty if its connection was idle for 15 seconds",
    seenIn: "denoland/deno#32148",
    kind,
    handler: (real) => {
      const lastUse = new WeakMap<object, number>();
      return async (req, res) => {
        const { socket } = req;
        const idleMs = Date.now() - (lastUse.get(socket) ?? Date.now());
        res.on("close", () => lastUse.set(socket, Date.now()));
        if (idleMs < 15_000) return real(req, res);
        if ((await readAll(req)) !== undefined) real(withBody(req, Buffer.alloc(0)), res);
      };
    },
  },
  {
    name: "time-idle-inbox-starts-again",
    breaks: "SEQ-MONOTONE",
    about: "starts the numbering of an inbox without pending messages at 1 again after 35 seconds without a call",
    seenIn: "saiya/dsps#63",
    kind,
    inbox: class extends Inbox {
      #usedAt = Date.now();
      #expire() {
        const idleMs = Date.now() - this.#usedAt;
        this.#usedAt = Date.now();
        if (idleMs > 35_000 && this.pending.size === 0) super.rotate(this.epoch);
      }
      override append(message: NewMessage) {
        this.#expire();
        return super.append(message);
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        this.#expire();
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "time-requeued-after-20-s",
    breaks: "SEQ-CONSECUTIVE",
    about: "stores a delivered message again, under a new seq, if it is not acked within 20 seconds",
    seenIn: "php-enqueue/enqueue-dev#295",
    kind,
    inbox: class extends Inbox {
      readonly #deliveredAt = new Map<number, number>();
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        for (const [seq, at] of this.#deliveredAt) {
          if (Date.now() - at < 20_000) break;
          this.#deliveredAt.delete(seq);
          const message = seq > cliSeq ? this.pending.get(seq) : undefined;
          if (message !== undefined) this.append(message);
        }
        const page = super.sync(cliSeq, epoch, pageSize);
        for (const { seq } of page.messages) if (!this.#deliveredAt.has(seq)) this.#deliveredAt.set(seq, Date.now());
        return page;
      }
      override rotate(epoch: string): void {
        super.rotate(epoch);
        this.#deliveredAt.clear();
      }
    },
  },
  {
    name: "time-window-of-a-minute",
    breaks: "SEND-RETRY",
    about: "declares a dedup window of ten minutes, but forgets records after one",
    kind,
    options: { dedupWindowMs: 60_000 },
    operations: (real) => ({
      getServerInfo: (service) => ({ ...real.getServerInfo(service), dedupWindow: durationFromMs(600_000) }),
    }),
  },
  {
    name: "time-sweep-of-acked-records",
    breaks: "SEND-RETRY-LATER",
    about: "deletes the dedup record of a message 20 seconds after its ack",
    kind,
    inbox: class extends ForgetfulInbox {
      protected override ack(cliSeq: number): void {
        const from = this.ackedSeq;
        super.ack(cliSeq);
        if (from === this.ackedSeq) return;
        const { epoch } = this;
        setTimeout(() => {
          if (this.epoch !== epoch) return;
          for (const [key, seq] of this.seqs) if (seq > from && seq <= cliSeq) this.forgotten.add(key);
        }, 20_000).unref();
      }
    },
    operations: storeForgotten,
  },
  {
    name: "time-acked-30-s-after-delivery",
    breaks: "ACK-NOT-ON-ANSWER",
    about: "takes a message for acked 30 seconds after it was first delivered",
    kind,
    inbox: class extends Inbox {
      readonly #deliveries: { at: number; seq: number }[] = [];
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        for (const { at, seq } of this.#deliveries) {
          if (Date.now() - at < 30_000) break;
          loseUpTo(this, seq);
        }
        const page = super.sync(cliSeq, epoch, pageSize);
        if (page.nextCliSeq > (this.#deliveries.at(-1)?.seq ?? 0))
          this.#deliveries.push({ at: Date.now(), seq: page.nextCliSeq });
        return page;
      }
      override rotate(epoch: string): void {
        super.rotate(epoch);
        this.#deliveries.length = 0;
      }
    },
  },
  {
    name: "time-idle-inbox-gets-an-epoch",
    breaks: "EPOCH-STABLE",
    about: "loads an inbox under another epoch after 50 seconds without a Sync, but continues the numbering",
    kind,
    inbox: class extends Inbox {
      #usedAt = Date.now();
      #loads = 1;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (Date.now() - this.#usedAt > 50_000) {
          this.#loads += 1;
          this.epoch = `${this.epoch.slice(0, 40)}.${this.#loads}`;
        }
        this.#usedAt = Date.now();
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "time-ack-undone-after-25-s",
    breaks: "ACK-NO-REDELIVERY",
    about: "loads the state before the latest ack again if an inbox gets no Sync for 25 seconds",
    kind,
    inbox: class extends RetainingInbox {
      #usedAt = Date.now();
      #ackedBefore = this.ackedSeq;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (Date.now() - this.#usedAt > 25_000)
          for (; this.ackedSeq > this.#ackedBefore; this.ackedSeq -= 1) {
            const message = this.retained.get(this.ackedSeq);
            if (message === undefined) break;
            this.pending.set(message.seq, message);
          }
        this.#usedAt = Date.now();
        return super.sync(cliSeq, epoch, pageSize);
      }
      protected override ack(cliSeq: number): void {
        if (cliSeq > this.ackedSeq) this.#ackedBefore = this.ackedSeq;
        super.ack(cliSeq);
      }
      override rotate(epoch: string): void {
        super.rotate(epoch);
        this.#ackedBefore = 0;
        this.retained.clear();
      }
    },
  },
  {
    name: "time-sender-forgotten-after-40-s",
    breaks: "AUTH-SENDER",
    about: "shows a message of a sender who was idle for 40 seconds as one of the latest other sender",
    kind,
    operations: wrapSend((real) => {
      const usedAt = new Map<string, number>();
      let latest: string | undefined;
      return (service, caller, request) => {
        const { userId } = caller.account;
        const expired = Date.now() - (usedAt.get(userId) ?? Date.now()) > 40_000;
        usedAt.set(userId, Date.now());
        const other = latest;
        latest = userId;
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const before = inbox?.svrSeq;
        const response = real(service, caller, request);
        const stored = inbox?.pending.get(inbox.svrSeq);
        if (expired && other !== undefined && stored !== undefined && inbox?.svrSeq !== before)
          inbox?.pending.set(stored.seq, { ...stored, senderId: other });
        return response;
      };
    }),
  },
];
