import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { refuse } from "../../../reference-server/errors.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import { mapPage, wrapSend } from "./interceptors.js";
import type { Mutant } from "./mutant.js";
import { findRecord, storeDuplicate } from "./send/shared.js";

/** Mutants of the chapter "Epochs". */
export const epoch: readonly Mutant[] = [
  {
    name: "epoch-missing-when-empty",
    breaks: "EPOCH-PRESENT",
    about: "omits the epoch from a response without messages",
    inbox: mapPage((page) => (page.messages.length === 0 ? { ...page, epoch: "" } : page)),
  },
  {
    name: "epoch-too-long",
    breaks: "EPOCH-PRESENT",
    about: "uses epochs of 65 bytes",
    inbox: class extends Inbox {
      constructor(...[epoch, startSeq, limits]: ConstructorParameters<typeof Inbox>) {
        super(epoch.padEnd(65, "-"), startSeq, limits);
      }
    },
  },
  {
    name: "epoch-new-when-all-is-acked",
    breaks: "EPOCH-STABLE",
    about: "changes the epoch when all messages are acked, but continues the numbering",
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
    about: "changes the epoch with every hundredth message, but continues the numbering",
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
    about: "ignores the epoch of a Sync",
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
    about: "checks the epoch only if cli_seq is above 0",
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
    about: "checks the epoch only if cli_seq is above svr_seq, so that a device skips messages after a rollback",
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
    about: "compares epochs case-insensitively",
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
    about: "omits the current epoch and svr_seq from an EPOCH_MISMATCH refusal",
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
    about: "refuses a Sync with an empty epoch as a mismatch",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch === "" && this.svrSeq > 0 ? "?" : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-needed-with-a-cursor",
    breaks: "EPOCH-UNCHECKED",
    about: "refuses a Sync with an empty epoch if cli_seq is above 0",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch === "" && cliSeq > 0 ? "?" : epoch, pageSize);
      }
    },
  },
  {
    name: "epoch-kept-after-a-loss",
    breaks: "EPOCH-RENEWED",
    about: "keeps the epoch after data loss, and restarts the numbering at 1",
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
    about: "returns to the first epoch at the second data loss",
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
    about: "continues the numbering under the new epoch after data loss",
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
    about: "keeps the dedup records of lost messages, so that a retry succeeds but stores nothing",
    seenIn: "nats-io/nats-server#6415",
    operations: wrapSend((real) => (service, caller, request) => {
      const { userId } = caller.account;
      const record = service.dedup.find(userId, request.clientMessageId, service.options.now());
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      if (record === undefined || inbox === undefined || record.recipientId !== request.recipientId)
        return real(service, caller, request);
      // Moves the record to the current epoch, although the data loss has made it void.
      service.dedup.add(userId, request.clientMessageId, service.options.now(), { ...record, epoch: inbox.epoch });
      return real(service, caller, request);
    }),
  },
  {
    name: "epoch-compared-decoded",
    breaks: "EPOCH-MISMATCH",
    about: "compares epochs after base64 decoding, which ignores the last bits",
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
    about: "normalises epochs to NFKC before it compares them",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch.normalize("NFKC"), pageSize);
      }
    },
  },
  {
    name: "epoch-takes-all-records-of-its-senders",
    breaks: "SEND-RETRY",
    about: "deletes all dedup records of the senders of an inbox that lost its data",
    operations: (real) => {
      const sentTo = new Map<string, Set<string>>();
      const deletedAt = new Map<string, number>();
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
            (at.get(key) ?? 0) < (deletedAt.get(me) ?? -1)
          ) {
            at.set(key, nr);
            return storeDuplicate(service, caller, request);
          }
          const response = real.send(service, caller, request);
          sentTo.set(request.recipientId, (sentTo.get(request.recipientId) ?? new Set()).add(me));
          if (!(record?.recipientId === request.recipientId && current)) at.set(key, nr);
          return response;
        },
        rotateEpoch: (service, request) => {
          nr += 1;
          for (const sender of sentTo.get(request.userId) ?? []) deletedAt.set(sender, nr);
          return real.rotateEpoch(service, request);
        },
      };
    },
  },
];
