import { create } from "@bufbuild/protobuf";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { refuse } from "../../../reference-server/errors.js";
import { Inbox, MAX_SEQ, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import type { InboxClass, Mutant } from "./mutant.js";

/** Faults of the chapter "Seqs". */
export const seq: readonly Mutant[] = [
  {
    name: "seq-starts-at-two",
    breaks: "SEQ-START",
    about: "a new inbox gives its first message seq 2",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.svrSeq === 0) {
          this.svrSeq = 1;
          this.ackedSeq = 1;
        }
        return super.append(message);
      }
    },
  },
  {
    name: "seq-starts-at-zero",
    breaks: "SEQ-START",
    about: "the first message of an inbox has seq 0",
    seenIn: "akkadotnet/Akka.Persistence.EventStore#8",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const messages = page.messages.map((message) => (message.seq === 1 ? { ...message, seq: 0 } : message));
        return { ...page, messages };
      }
    },
  },
  {
    name: "seq-burnt-each-tenth",
    breaks: "SEQ-CONSECUTIVE",
    about: "the counter skips each tenth seq, as after a transaction that was rolled back",
    seenIn: "prooph/pdo-event-store#189",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const stored = super.append(message);
        if (stored.seq % 10 === 9) this.svrSeq += 1;
        return stored;
      }
      protected override page(pageSize: number) {
        const messages = [...this.pending.values()];
        return messages.slice(
          0,
          pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize),
        );
      }
    },
  },
  {
    name: "seq-race",
    breaks: "SEQ-PARALLEL",
    about: "the counter is read, then written a moment later: messages that come at once share a seq",
    seenIn: "CargoSense/fable#22",
    inbox: class extends Inbox {
      #reserved = this.svrSeq;
      #moment = 0;
      override append(message: NewMessage) {
        // Two in the same turn of the event loop read the same number.
        const now = Math.floor(performance.now() / 4);
        if (this.#moment !== now) this.#reserved = this.svrSeq;
        this.#moment = now;
        const clash = this.pending.get(this.#reserved + 1);
        if (clash === undefined) return super.append(message);
        const stored = create(MessageSchema, { ...message, seq: clash.seq });
        this.pending.set(stored.seq, stored);
        return stored;
      }
    },
  },
  {
    name: "seq-global-counter",
    breaks: "SEQ-INDEPENDENT",
    about: "all inboxes draw their seqs from one counter",
    operations: (real) => {
      let highest = 0;
      return {
        send: (service, caller, request) => {
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          // Only where a new account would have begun at 1: what stands high for a test stays where it is.
          if (inbox !== undefined && inbox.svrSeq < highest && inbox.pending.size === 0) {
            inbox.svrSeq = highest;
            inbox.ackedSeq = highest;
          }
          const answer = real.send(service, caller, request);
          if (inbox !== undefined && inbox.svrSeq < 1_000_000) highest = Math.max(highest, inbox.svrSeq);
          return answer;
        },
      };
    },
  },
  {
    name: "seq-visible-before-it-is-there",
    breaks: "SEQ-CONTIGUOUS",
    about: "svr_seq counts messages that are still being written",
    seenIn: "openimsdk/open-im-server#320",
    inbox: class extends Inbox {
      #writing: { seq: number } | undefined;
      override append(message: NewMessage) {
        const stored = super.append(message);
        this.#writing = stored;
        setTimeout(() => {
          if (this.#writing === stored) this.#writing = undefined;
        }, 2);
        return stored;
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const hidden = this.#writing?.seq;
        if (hidden === undefined || this.pending.size < 3) return page;
        // The one that is being written is missed; what came before it is there, and what is counted is not.
        const messages = page.messages.filter((message) => message.seq !== hidden - 1);
        return { ...page, messages };
      }
    },
  },
  {
    name: "seq-falls-when-all-is-acked",
    breaks: "SEQ-MONOTONE",
    about: "svr_seq is the highest seq in the table, so it falls when the table is emptied",
    seenIn: "element-hq/synapse#17226",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (this.pending.size > 0 || this.svrSeq === 0) return page;
        return { ...page, svrSeq: 0, ackedSeq: 0, nextCliSeq: 0 };
      }
    },
  },
  {
    name: "seq-renumbers-after-an-ack",
    breaks: "SEQ-IMMUTABLE",
    about: "what is left after an ack is stored in another order",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        const moved = cliSeq > this.ackedSeq;
        super.ack(cliSeq);
        const first = this.pending.get(this.ackedSeq + 1);
        const second = this.pending.get(this.ackedSeq + 2);
        if (!moved || first === undefined || second === undefined) return;
        this.pending.set(first.seq, create(MessageSchema, { ...second, seq: first.seq }));
        this.pending.set(second.seq, create(MessageSchema, { ...first, seq: second.seq }));
      }
    },
  },
  {
    name: "seq-signed",
    breaks: "SEQ-UNSIGNED",
    about: "cli_seq is compared as a signed number, so past 2^31 nothing is ever acked",
    seenIn: "twmb/franz-go#216",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        if ((cliSeq | 0) > (this.ackedSeq | 0)) super.ack(cliSeq);
      }
    },
  },
  {
    name: "seq-stops-at-two-to-the-31",
    breaks: "SEQ-UNSIGNED",
    about: "the counter is a signed 32-bit number: at 2147483647 the inbox counts as exhausted",
    seenIn: "horazont/aioxmpp#67",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.svrSeq === 0x7fff_ffff) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
        return super.append(message);
      }
    },
  },
  {
    name: "seq-ack-stops-at-two-to-the-31",
    breaks: "SEQ-UNSIGNED",
    about: "an ack from below 2147483647 to above is stored as that, which the phone that acks does not see",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const [before, kept] = [this.ackedSeq, [...this.pending]];
        const page = super.sync(cliSeq, epoch, pageSize);
        if (before < 0x7fff_ffff && this.ackedSeq > 0x7fff_ffff) {
          this.ackedSeq = 0x7fff_ffff;
          for (const [seq, message] of kept) if (seq > this.ackedSeq) this.pending.set(seq, message);
        }
        return page;
      }
    },
  },
  {
    name: "seq-wraps",
    breaks: "SEQ-EXHAUSTED",
    about: "after 4294967295 the counter goes on from 1",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        if (this.svrSeq === MAX_SEQ) {
          this.pending.clear();
          this.svrSeq = 0;
          this.ackedSeq = 0;
        }
        return super.append(message);
      }
    },
  },
  {
    name: "seq-exhausted-closes-the-inbox",
    breaks: "SEQ-EXHAUSTED-SYNC",
    about: "an inbox without seqs refuses Sync as well",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (this.svrSeq === MAX_SEQ) throw refuse(Reason.SEQ_EXHAUSTED, "no seq left");
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
  {
    name: "seq-in-four-digits",
    breaks: "SEQ-UNSIGNED",
    about: "keys of a store are seqs in four digits: 10000 sorts before 9999",
    inbox: padded(4),
  },
  {
    name: "seq-in-nine-digits",
    breaks: "SEQ-UNSIGNED",
    about: "keys of a store are seqs in nine digits: 1000000000 sorts before 999999999",
    inbox: padded(9),
  },
  {
    name: "seq-signed-in-a-refusal",
    breaks: "EPOCH-MISMATCH",
    about: "the refusal of another epoch tells at most 2147483647 as svr_seq",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        if (epoch !== "" && epoch !== this.epoch)
          throw refuse(Reason.EPOCH_MISMATCH, "another epoch", {
            epoch: this.epoch,
            svrSeq: Math.min(this.svrSeq, 0x7fff_ffff),
          });
        return super.sync(cliSeq, epoch, pageSize);
      }
    },
  },
];

/** An inbox in a store that sorts its keys as text, in so many digits. */
function padded(digits: number): InboxClass {
  return class extends Inbox {
    protected override page(pageSize: number) {
      const key = (seq: number) => String(seq).padStart(digits, "0");
      const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
      const after = key(this.ackedSeq);
      return [...this.pending.values()]
        .filter(({ seq }) => key(seq) > after)
        .sort((a, b) => (key(a.seq) < key(b.seq) ? -1 : 1))
        .slice(0, most);
    }
  };
}
