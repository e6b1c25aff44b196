import { describe, expect, test } from "vitest";
import { Dedup } from "./dedup.js";
import { Inbox, type Page } from "./inbox.js";
import { send } from "./operations/send.js";
import { search } from "./testing/small-scope/search.js";
import type { Parts } from "./testing/small-scope/server.js";

test("two senders, two devices, four messages: every property holds in every state, with every network fault", () => {
  const { states, steps, violation, path } = search();
  expect({ violation, path }).toEqual({ violation: undefined, path: undefined });
  // The numbers are a property of the protocol in this scope. If they change, find out why before changing them here.
  expect({ states, steps }).toEqual({ states: 53_111, steps: 810_488 });
  console.log(`small scope: ${states} states, ${steps} steps`);
});

interface Mutant extends Parts {
  description: string;
  /** The property that the search must report. */
  breaks: string;
}

/** Mutants for each property, and for calls that throw although they are legal ("failure"). */
const mutants: Mutant[] = [
  {
    description: "a message takes two seqs",
    breaks: "exactly once",
    inbox: class extends Inbox {
      override append(message: Parameters<Inbox["append"]>[0]) {
        this.svrSeq += 1;
        return super.append(message);
      }
    },
  },
  {
    description: "the second message overwrites the first",
    breaks: "exactly once",
    inbox: class extends Inbox {
      override append(message: Parameters<Inbox["append"]>[0]) {
        if (this.svrSeq === 1) this.svrSeq = 0;
        return super.append(message);
      }
    },
  },
  {
    description: "no retry is recognised",
    breaks: "exactly once",
    dedup: class extends Dedup {
      override find() {
        return undefined;
      }
    },
  },
  {
    description: "a retry is recognised by the id alone, without the sender",
    breaks: "failure",
    dedup: class extends Dedup {
      override find(_sender: string, id: string, now: number) {
        return super.find("", id, now);
      }
      override add(_sender: string, id: string, now: number, record: Parameters<Dedup["add"]>[3]) {
        super.add("", id, now, record);
      }
    },
  },
  {
    description: "an ack deletes the dedup records",
    breaks: "exactly once",
    send: (service, caller, request) => {
      const { inbox } = service.accounts.get(request.recipientId) ?? {};
      if (inbox !== undefined && inbox.ackedSeq > 0) Object.assign(service, { dedup: new Dedup(1000, 10) });
      return send(service, caller, request);
    },
  },
  {
    description: "the response to a retry has the time of the retry",
    breaks: "same response to a retry",
    send: (service, caller, request) => {
      const { acceptedAt, ...response } = send(service, caller, request);
      const now = service.options.now();
      return acceptedAt === undefined
        ? response
        : { ...response, acceptedAt: { ...acceptedAt, nanos: now * 1_000_000 } };
    },
  },
  {
    description: "a page acks its messages",
    breaks: "ack monotone",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        this.ack(page.nextCliSeq);
        return page;
      }
    },
  },
  {
    description: "a Sync acks one message too many",
    breaks: "acks cli_seq only",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number) {
        super.ack(Math.min(cliSeq + 1, this.svrSeq));
      }
    },
  },
  {
    description: "a Sync acks one message too few",
    breaks: "no redelivery",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number) {
        super.ack(cliSeq - 1);
      }
    },
  },
  {
    description: "the last Sync wins: a late one lowers the ack",
    breaks: "no redelivery",
    inbox: class extends Inbox {
      kept = new Map(this.pending);
      override append(message: Parameters<Inbox["append"]>[0]) {
        const stored = super.append(message);
        this.kept.set(stored.seq, stored);
        return stored;
      }
      protected override ack(cliSeq: number) {
        super.ack(cliSeq);
        for (; this.ackedSeq > cliSeq; this.ackedSeq -= 1) {
          const message = this.kept.get(this.ackedSeq);
          if (message !== undefined) this.pending.set(this.ackedSeq, message);
        }
      }
    },
  },
  {
    description: "delivered messages are not delivered again",
    breaks: "everything delivered",
    inbox: class extends Inbox {
      delivered = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (page.nextCliSeq <= this.delivered) return { ...page, messages: [], nextCliSeq: page.ackedSeq };
        this.delivered = Math.max(this.delivered, page.nextCliSeq);
        return page;
      }
    },
  },
  {
    description: "a page has the newest messages instead of the oldest",
    breaks: "consecutive",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(0).slice(-pageSize);
      }
    },
  },
  {
    description: "the messages of a page are in reverse order",
    breaks: "consecutive",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(pageSize).reverse();
      }
    },
  },
  {
    description: "next_cli_seq is svr_seq, beyond the end of the page",
    breaks: "next",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        return { ...page, nextCliSeq: page.svrSeq };
      }
    },
  },
  {
    description: "the last message is never delivered",
    breaks: "everything delivered",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(pageSize).filter(({ seq }) => seq < 4);
      }
    },
  },
  {
    description: "page_size is ignored",
    breaks: "bounded",
    inbox: class extends Inbox {
      protected override page() {
        return super.page(0);
      }
    },
  },
  {
    description: "two messages swap their seqs when a later one is stored",
    breaks: "right message",
    inbox: class extends Inbox {
      override append(message: Parameters<Inbox["append"]>[0]) {
        const stored = super.append(message);
        const [first, second] = [this.pending.get(1), this.pending.get(2)];
        if (stored.seq === 3 && first && second) {
          this.pending.set(1, { ...second, seq: 1 }).set(2, { ...first, seq: 2 });
        }
        return stored;
      }
    },
  },
  {
    description: "a device stores its cli_seq before the messages, and crashes in between",
    breaks: "nothing lost",
    stores: ({ base }) => ({ base, next: base }),
  },
  {
    description: "a page deletes its messages",
    breaks: "failure",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        for (const { seq } of page.messages) this.pending.delete(seq);
        return page;
      }
    },
  },
];

describe("the search finds the mutant", () => {
  test.each(mutants)("$description", ({ description: _, breaks, ...parts }) => {
    const { violation, path } = search(parts);
    expect(violation).toMatch(new RegExp(`^${breaks}:`));
    // A breadth-first search finds the shortest path.
    expect(path?.length).toBeLessThanOrEqual(8);
  });
});
