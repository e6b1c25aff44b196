import { Refusal } from "../../../reference-server/errors.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import { RetainingInbox } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Faults of the chapter "Acknowledgement". */
export const ack: readonly Mutant[] = [
  {
    name: "ack-not-stored",
    breaks: "ACK-IMPLICIT",
    about: "a Sync acks nothing at all",
    inbox: class extends Inbox {
      protected override ack(): void {}
    },
  },
  {
    name: "ack-one-short",
    breaks: "ACK-IMPLICIT",
    about: "a Sync acks up to the message before its cli_seq",
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
    about: "messages are deleted when they are sent, not when they are acked",
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
    about: "the page that brings a device up to date acks itself, as if it had arrived",
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
    about: "a Sync with another epoch is refused, after it has acked",
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
    about: "an old device or a late request lowers the ack",
    seenIn: "matrix-construct/tuwunel#565",
    inbox: class extends RetainingInbox {
      protected override ack(cliSeq: number): void {
        super.ack(cliSeq);
        // A device without anything is not an old one: it asks with 0.
        while (cliSeq > 0 && this.ackedSeq > cliSeq) {
          const back = this.kept.get(this.ackedSeq);
          if (back === undefined) return;
          this.pending.set(this.ackedSeq, back);
          this.ackedSeq -= 1;
        }
      }
    },
  },
  {
    name: "ack-per-device",
    breaks: "ACK-NO-REDELIVERY",
    about: "each Sync gets what follows its own cli_seq, whatever other devices have acked",
    seenIn: "nats-io/nats-server#5419",
    inbox: class extends RetainingInbox {
      readonly #start = this.svrSeq;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (cliSeq >= page.ackedSeq) return page;
        const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
        const from = Math.max(cliSeq, this.#start);
        const messages = [...this.kept.values()].filter(({ seq }) => seq > from).slice(0, most);
        return { ...page, ackedSeq: from, messages, nextCliSeq: messages.at(-1)?.seq ?? from };
      }
    },
  },
  {
    name: "ack-withholds-second-time",
    breaks: "ACK-REDELIVER",
    about: "a message that was delivered three times is not delivered again",
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
    about: "a cli_seq beyond what was ever answered is taken as beyond svr_seq",
    inbox: class extends Inbox {
      #answered = this.svrSeq;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const known = cliSeq <= this.#answered || cliSeq > this.svrSeq;
        const page = super.sync(known ? cliSeq : this.#answered, epoch, pageSize);
        this.#answered = Math.max(this.#answered, page.nextCliSeq);
        return page;
      }
    },
  },
  {
    name: "ack-in-batches",
    breaks: "ACK-UNFETCHED",
    about: "a Sync deletes at most 1000 messages, as a DELETE with a LIMIT does, and acks no further",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        super.ack(Math.min(cliSeq, this.ackedSeq + 1000));
      }
    },
  },
  {
    name: "ack-ahead-taken",
    breaks: "ACK-AHEAD",
    about: "a cli_seq above svr_seq is taken as svr_seq",
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
    about: "a Sync that is ahead and asks for pages is refused, after it has acked all that there is",
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
    about: "a cli_seq of 4294967295 means everything",
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
    about: "an ack deletes by a list of seqs, and the database takes 1000 in a list",
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
    about: "the transaction of a refused Sync stays open: the ack of the next one is rolled back with it",
    inbox: class extends Inbox {
      #failed = false;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const failed = this.#failed;
        const before = this.ackedSeq;
        const kept = new Map(this.pending);
        try {
          this.#failed = false;
          const page = super.sync(cliSeq, epoch, pageSize);
          if (failed && page.ackedSeq > before) {
            this.ackedSeq = before;
            this.pending.clear();
            for (const [seq, message] of kept) this.pending.set(seq, message);
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
    about: "what nobody has fetched for 5 seconds expires",
    inbox: class extends Inbox {
      readonly #came = new Map<number, number>();
      override append(message: NewMessage) {
        const stored = super.append(message);
        this.#came.set(stored.seq, performance.now());
        return stored;
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        let upTo = this.ackedSeq;
        const now = performance.now();
        while (upTo < this.svrSeq && now - (this.#came.get(upTo + 1) ?? now) > 5000) upTo += 1;
        this.ack(upTo);
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
];
