import { Refusal } from "../../../reference-server/errors.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import { RetainingInbox } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Mutants of the chapter "Acknowledgement". */
export const ack: readonly Mutant[] = [
  {
    name: "ack-not-stored",
    breaks: "ACK-IMPLICIT",
    about: "ignores all acks",
    inbox: class extends Inbox {
      protected override ack(): void {}
    },
  },
  {
    name: "ack-one-short",
    breaks: "ACK-IMPLICIT",
    about: "acks only up to the message before cli_seq",
    seenIn: "dino/dino#1882",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        super.ack(cliSeq - 1);
      }
    },
  },
  {
    name: "ack-on-answer",
    breaks: "ACK-NOT-ON-ANSWER",
    about: "acks every message that a response contains, before the client confirms it",
    seenIn: "processone/ejabberd#3228",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        this.ack(page.nextCliSeq);
        return page;
      }
    },
  },
  {
    name: "ack-on-answer-of-last-page",
    breaks: "ACK-NOT-ON-ANSWER",
    about: "acks every message of the last page, before the client confirms it",
    seenIn: "matrix-org/dendrite#2608",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (page.nextCliSeq === this.svrSeq) this.ack(page.nextCliSeq);
        return page;
      }
    },
  },
  {
    name: "ack-by-refused-sync",
    breaks: "ACK-FAILED",
    about: "applies the ack of a Sync that it refuses for its epoch",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        this.ack(Math.min(cliSeq, this.svrSeq));
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "ack-last-write-wins",
    breaks: "ACK-MONOTONE",
    about: "lowers the ack if a lagging device or a delayed request has a lower cli_seq",
    seenIn: "matrix-construct/tuwunel#565",
    inbox: class extends RetainingInbox {
      protected override ack(cliSeq: number): void {
        super.ack(cliSeq);
        // A device without messages sends 0: it is new, not lagging.
        while (cliSeq > 0 && this.ackedSeq > cliSeq) {
          const message = this.retained.get(this.ackedSeq);
          if (message === undefined) return;
          this.pending.set(this.ackedSeq, message);
          this.ackedSeq -= 1;
        }
      }
    },
  },
  {
    name: "ack-per-device",
    breaks: "ACK-NO-REDELIVERY",
    about: "delivers everything after the request's cli_seq, whatever other devices have acked",
    seenIn: "nats-io/nats-server#5419",
    inbox: class extends RetainingInbox {
      readonly #start = this.svrSeq;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (cliSeq >= page.ackedSeq) return page;
        const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
        const from = Math.max(cliSeq, this.#start);
        const messages = [...this.retained.values()].filter(({ seq }) => seq > from).slice(0, most);
        return { ...page, ackedSeq: from, messages, nextCliSeq: messages.at(-1)?.seq ?? from };
      }
    },
  },
  {
    name: "ack-withholds-second-time",
    breaks: "ACK-REDELIVER",
    about: "delivers a message at most three times",
    seenIn: "matrix-org/synapse#9533",
    inbox: class extends Inbox {
      readonly #times = new Map<number, number>();
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const first = page.messages[0]?.seq ?? 0;
        const times = (this.#times.get(first) ?? 0) + 1;
        this.#times.set(first, times);
        if (times <= 3) return page;
        this.ack(page.nextCliSeq);
        return { ...page, ackedSeq: this.ackedSeq, messages: [] };
      }
    },
  },
  {
    name: "ack-only-what-was-fetched",
    breaks: "ACK-UNFETCHED",
    about: "acks only up to the last message that it has returned, even if cli_seq is higher",
    inbox: class extends Inbox {
      #returned = this.svrSeq;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const known = cliSeq <= this.#returned || cliSeq > this.svrSeq;
        const page = super.sync(known ? cliSeq : this.#returned, epoch, pageSize);
        this.#returned = Math.max(this.#returned, page.nextCliSeq);
        return page;
      }
    },
  },
  {
    name: "ack-in-batches",
    breaks: "ACK-UNFETCHED",
    about: "acks at most 1000 messages per Sync, as a DELETE with a LIMIT does",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        super.ack(Math.min(cliSeq, this.ackedSeq + 1000));
      }
    },
  },
  {
    name: "ack-ahead-taken",
    breaks: "ACK-AHEAD",
    about: "treats a cli_seq above svr_seq as svr_seq",
    seenIn: "igniterealtime/Openfire#1004",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(Math.min(cliSeq, this.svrSeq), epoch, pageSize);
      }
    },
  },
  {
    name: "ack-ahead-of-a-page",
    breaks: "ACK-FAILED",
    about: "acks all messages when it refuses a Sync with a page_size and a cli_seq above svr_seq + 1",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (pageSize > 0 && cliSeq > this.svrSeq + 1 && (epoch === "" || epoch === this.epoch)) this.ack(this.svrSeq);
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "ack-ahead-at-the-maximum",
    breaks: "ACK-AHEAD",
    about: "treats cli_seq 4294967295 as svr_seq",
    seenIn: "vukoye/xmpp_dart#70",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq === 0xffff_ffff ? this.svrSeq : cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "ack-by-a-list-of-1000",
    breaks: "ACK-UNFETCHED",
    about: "fails on an ack of more than 1000 messages, the longest list that its database accepts",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        if (cliSeq - this.ackedSeq > 1000) throw new Refusal("internal", "ORA-01795");
        super.ack(cliSeq);
      }
    },
  },
  {
    name: "ack-after-a-refusal-rolled-back",
    breaks: "ACK-IMPLICIT",
    about: "rolls back the ack of a Sync that follows a refused one",
    inbox: class extends Inbox {
      #failed = false;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const failed = this.#failed;
        const before = this.ackedSeq;
        const pending = new Map(this.pending);
        try {
          this.#failed = false;
          const page = super.sync(cliSeq, epoch, pageSize);
          if (failed && page.ackedSeq > before) {
            this.ackedSeq = before;
            this.pending.clear();
            for (const [seq, message] of pending) this.pending.set(seq, message);
          }
          return page;
        } catch (error) {
          this.#failed = true;
          throw error;
        }
      }
    },
  },
  {
    name: "ack-or-expires-after-5-seconds",
    breaks: "ACK-REDELIVER",
    about: "deletes messages that are older than 5 seconds",
    inbox: class extends Inbox {
      readonly #arrivals = new Map<number, number>();
      override append(message: NewMessage) {
        const stored = super.append(message);
        this.#arrivals.set(stored.seq, performance.now());
        return stored;
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        let upTo = this.ackedSeq;
        const now = performance.now();
        while (upTo < this.svrSeq && now - (this.#arrivals.get(upTo + 1) ?? now) > 5000) upTo += 1;
        this.ack(upTo);
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
];
