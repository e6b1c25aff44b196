import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { refuse } from "../../../reference-server/errors.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import { mapPage, wrapSend } from "./interceptors.js";
import type { Mutant } from "./mutant.js";
import { findRecord, storeAgain } from "./send/parts.js";

/** Faults of the chapter "Epochs". */
export const epoch: readonly Mutant[] = [
  {
    name: "epoch-missing-when-empty",
    breaks: "EPOCH-PRESENT",
    about: "an answer without messages has no epoch",
    inbox: mapPage((page) => (page.messages.length === 0 ? { ...page, epoch: "" } : page)),
  },
  {
    name: "epoch-too-long",
    breaks: "EPOCH-PRESENT",
    about: "an epoch has 65 bytes",
    inbox: class extends Inbox {
      constructor(...[epoch, startSeq, limits]: ConstructorParameters<typeof Inbox>) {
        super(epoch.padEnd(65, "-"), startSeq, limits);
      }
    },
  },
  {
    name: "epoch-new-when-all-is-acked",
    breaks: "EPOCH-STABLE",
    about: "an inbox that is read to its end gets a new epoch, and counts on",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        const moved = cliSeq > this.ackedSeq;
        super.ack(cliSeq);
        if (moved && this.pending.size === 0) this.epoch = `${this.epoch.slice(0, 40)}.${this.svrSeq}`;
      }
    },
  },
  {
    name: "epoch-per-hundred",
    breaks: "EPOCH-STABLE",
    about: "the epoch changes with each hundredth message, though the numbering goes on",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const stored = super.append(message);
        if (stored.seq % 100 === 0) this.epoch = `${this.epoch.slice(0, 40)}.${stored.seq}`;
        return stored;
      }
    },
  },
  {
    name: "epoch-ignored",
    breaks: "EPOCH-MISMATCH",
    about: "the epoch of a Sync is not looked at",
    seenIn: "element-hq/synapse#17386",
    inbox: class extends Inbox {
      override sync(cliSeq: number, _epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, "", pageSize);
      }
    },
  },
  {
    name: "epoch-compared-after-the-first-page",
    breaks: "EPOCH-MISMATCH",
    about: "the epoch is compared only where cli_seq is above 0",
    seenIn: "centrifugal/centrifuge-go#160",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, cliSeq > 0 ? epoch : "", pageSize);
      }
    },
  },
  {
    name: "epoch-compared-within-the-range",
    breaks: "EPOCH-MISMATCH",
    about: "another epoch matters only where cli_seq is above svr_seq: below, a rolled-back server skips silently",
    seenIn: "element-hq/synapse#20080",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, cliSeq > this.svrSeq ? epoch : "", pageSize);
      }
    },
  },
  {
    name: "epoch-compared-without-case",
    breaks: "EPOCH-MISMATCH",
    about: "epochs are compared without regard to case",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const same = epoch.toLowerCase() === this.epoch.toLowerCase();
        return super.sync(cliSeq, same ? this.epoch : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-mismatch-without-state",
    breaks: "EPOCH-MISMATCH",
    about: "the refusal does not tell the current epoch and svr_seq",
    seenIn: "turms-im/turms#1569",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (epoch !== "" && epoch !== this.epoch) throw refuse(Reason.EPOCH_MISMATCH, "another epoch");
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-needed",
    breaks: "EPOCH-UNCHECKED",
    about: "a Sync with an empty epoch is refused as one with a wrong one",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch === "" && this.svrSeq > 0 ? "?" : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-needed-with-a-cursor",
    breaks: "EPOCH-UNCHECKED",
    about: "a Sync with cli_seq above 0 is refused if it has no epoch",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch === "" && cliSeq > 0 ? "?" : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-kept-after-a-loss",
    breaks: "EPOCH-RENEWED",
    about: "after a loss the inbox counts from 1 again under its old epoch",
    seenIn: "element-hq/synapse#17226",
    inbox: class extends Inbox {
      override rotate(): void {
        super.rotate(this.epoch);
      }
    },
  },
  {
    name: "epoch-alternates",
    breaks: "EPOCH-RENEWED",
    about: "the second loss brings back the first epoch",
    inbox: class extends Inbox {
      #former = "";
      override rotate(epoch: string): void {
        const next = this.#former === "" ? epoch : this.#former;
        this.#former = this.epoch;
        super.rotate(next);
      }
    },
  },
  {
    name: "epoch-goes-on-counting",
    breaks: "EPOCH-RESTART",
    about: "under a new epoch the numbering goes on where the old one was",
    inbox: class extends Inbox {
      override rotate(epoch: string): void {
        const { svrSeq } = this;
        super.rotate(epoch);
        this.svrSeq = svrSeq;
        this.ackedSeq = svrSeq;
      }
    },
  },
  {
    name: "epoch-outlived-by-dedup",
    breaks: "EPOCH-RESTART",
    about: "a dedup record answers for a message that was lost: every retry succeeds, and nothing is there",
    seenIn: "nats-io/nats-server#6415",
    operations: wrapSend((real) => (service, caller, request) => {
      const { userId } = caller.account;
      const record = service.dedup.find(userId, request.clientMessageId, service.options.now());
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (record === undefined || inbox === undefined || record.recipientId !== request.recipientId)
        return real(service, caller, request);
      // Kept under the epoch that it should have died with.
      service.dedup.add(userId, request.clientMessageId, service.options.now(), { ...record, epoch: inbox.epoch });
      return real(service, caller, request);
    }),
  },
  {
    name: "epoch-compared-decoded",
    breaks: "EPOCH-MISMATCH",
    about: "epochs are decoded from base64 before they are compared, and the last bits of that are not looked at",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const same =
          epoch.length === this.epoch.length &&
          /^[\w-]+$/.test(epoch) &&
          Buffer.from(epoch, "base64url").equals(Buffer.from(this.epoch, "base64url"));
        return super.sync(cliSeq, same ? this.epoch : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-compared-normalised",
    breaks: "EPOCH-MISMATCH",
    about: "epochs are normalised before they are compared",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch.normalize("NFKC"), pageSize);
      }
    },
  },
  {
    name: "epoch-takes-all-records-of-its-senders",
    breaks: "SEND-RETRY",
    about: "a loss drops all records of whoever has ever sent to the inbox, to others too",
    operations: (real) => {
      const sentTo = new Map<string, Set<string>>();
      const forgotten = new Map<string, number>();
      const at = new Map<string, number>();
      let nr = 0;
      return {
        send: (service, caller, request) => {
          const me = caller.account.userId;
          const key = `${me} ${request.clientMessageId}`;
          nr += 1;
          const record = findRecord(service, caller, request.clientMessageId);
          const current = service.accounts.get(request.recipientId)?.inbox.epoch === record?.epoch;
          if (
            record?.recipientId === request.recipientId &&
            current &&
            (at.get(key) ?? 0) < (forgotten.get(me) ?? -1)
          ) {
            at.set(key, nr);
            return storeAgain(service, caller, request);
          }
          const answer = real.send(service, caller, request);
          sentTo.set(request.recipientId, (sentTo.get(request.recipientId) ?? new Set()).add(me));
          if (!(record?.recipientId === request.recipientId && current)) at.set(key, nr);
          return answer;
        },
        rotateEpoch: (service, request) => {
          nr += 1;
          for (const sender of sentTo.get(request.userId) ?? []) forgotten.set(sender, nr);
          return real.rotateEpoch(service, request);
        },
      };
    },
  },
];
