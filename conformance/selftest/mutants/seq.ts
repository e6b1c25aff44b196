import { create } from "@bufbuild/protobuf";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { refuse } from "../../../reference-server/errors.js";
import { Inbox, MAX_SEQ, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import type { InboxClass, Mutant } from "./mutant.js";

/** Mutants of the chapter "Numbering". */
export const seq: readonly Mutant[] = [
  {
    name: "seq-starts-at-two",
    breaks: "SEQ-START",
    about: "assigns seq 2 to the first message of an inbox",
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
    about: "delivers the first message of an inbox with seq 0",
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
    about: "skips every tenth seq, as after a transaction that was rolled back",
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
    about: "reads the counter and writes it later, so that concurrent messages share a seq",
    seenIn: "CargoSense/fable#22",
    inbox: class extends Inbox {
      #reserved = this.svrSeq;
      #moment = 0;
      override append(message: NewMessage) {
        // Calls in the same interval of 4 ms read the same number.
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
    about: "assigns the seqs of all inboxes from one counter",
    operations: (real) => {
      let highest = 0;
      return {
        send: (service, caller, request) => {
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          // Applies only to inboxes that would start at 1. Inboxes that a fixture starts at a high seq stay unchanged.
          if (inbox !== undefined && inbox.svrSeq < highest && inbox.pending.size === 0) {
            inbox.svrSeq = highest;
            inbox.ackedSeq = highest;
          }
          const response = real.send(service, caller, request);
          if (inbox !== undefined && inbox.svrSeq < 1_000_000) highest = Math.max(highest, inbox.svrSeq);
          return response;
        },
      };
    },
  },
  {
    name: "seq-visible-before-it-is-there",
    breaks: "SEQ-CONTIGUOUS",
    about: "counts messages in svr_seq that are still being written",
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
        // The message before the one that is being written is missing from the page, though svr_seq counts both.
        const messages = page.messages.filter((message) => message.seq !== hidden - 1);
        return { ...page, messages };
      }
    },
  },
  {
    name: "seq-falls-when-all-is-acked",
    breaks: "SEQ-MONOTONE",
    about: "returns the highest stored seq as svr_seq, so that it falls when all messages are acked",
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
    about: "swaps the seqs of the next two messages after an ack",
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
    about: "compares cli_seq as a signed number, so that nothing is acked beyond 2^31",
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
    about: "treats an inbox as exhausted at 2147483647, the maximum of a signed 32-bit number",
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
    about: "stores an ack that crosses 2147483647 as 2147483647, though the response reports it in full",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const [before, pending] = [this.ackedSeq, [...this.pending]];
        const page = super.sync(cliSeq, epoch, pageSize);
        if (before < 0x7fff_ffff && this.ackedSeq > 0x7fff_ffff) {
          this.ackedSeq = 0x7fff_ffff;
          for (const [seq, message] of pending) if (seq > this.ackedSeq) this.pending.set(seq, message);
        }
        return page;
      }
    },
  },
  {
    name: "seq-wraps",
    breaks: "SEQ-EXHAUSTED",
    about: "continues at 1 after seq 4294967295",
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
    about: "refuses a Sync of an exhausted inbox",
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
    about: "sorts seqs as text of four digits, so that 10000 precedes 9999",
    inbox: sortedAsText(4),
  },
  {
    name: "seq-in-nine-digits",
    breaks: "SEQ-UNSIGNED",
    about: "sorts seqs as text of nine digits, so that 1000000000 precedes 999999999",
    inbox: sortedAsText(9),
  },
  {
    name: "seq-signed-in-a-refusal",
    breaks: "EPOCH-MISMATCH",
    about: "reports at most 2147483647 as svr_seq in an EPOCH_MISMATCH refusal",
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

/** An inbox whose store sorts seqs as text, padded to this number of digits. */
function sortedAsText(digits: number): InboxClass {
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
