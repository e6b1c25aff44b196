import { describe, expect, test } from "vitest";
import { Dedup } from "./dedup.js";
import { Inbox, type Page } from "./inbox.js";
import { send } from "./operations/send.js";
import { search } from "./testing/small-scope/search.js";
import type { Parts } from "./testing/small-scope/server.js";

test("two senders, two devices, four messages: every property holds in every state, whatever gets lost or doubled", () => {
  const { states, steps, violation, path } = search();
  expect({ violation, path }).toEqual({ violation: undefined, path: undefined });
  // The number is a fact about the protocol in this scope. A change means that the system has changed: understand it first.
  expect({ states, steps }).toEqual({ states: 53_111, steps: 810_488 });
  console.log(`small scope: ${states} states, ${steps} steps`);
});

interface Mutant extends Parts {
  about: string;
  /** The property that the search must name. */
  breaks: string;
}

/** Together they show that each property can fail, and that a call that fails where it must not is noticed ("failure"). */
const mutants: Mutant[] = [
  {
    about: "the seq is taken twice",
    breaks: "exactly once",
    inbox: class extends Inbox {
      override append(message: Parameters<Inbox["append"]>[0]) {
        this.svrSeq += 1;
        return super.append(message);
      }
    },
  },
  {
    about: "the second message overwrites the first",
    breaks: "exactly once",
    inbox: class extends Inbox {
      override append(message: Parameters<Inbox["append"]>[0]) {
        if (this.svrSeq === 1) this.svrSeq = 0;
        return super.append(message);
      }
    },
  },
  {
    about: "no repetition is recognised",
    breaks: "exactly once",
    dedup: class extends Dedup {
      override find() {
        return undefined;
      }
    },
  },
  {
    about: "a repetition is recognised by the id alone, whoever sends it",
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
    about: "an ack drops the dedup records",
    breaks: "exactly once",
    send: (service, caller, request) => {
      const { inbox } = service.accounts.get(request.recipientId) ?? {};
      if (inbox !== undefined && inbox.ackedSeq > 0) Object.assign(service, { dedup: new Dedup(1000, 10) });
      return send(service, caller, request);
    },
  },
  {
    about: "a repetition is answered with the time of the repetition",
    breaks: "same answer again",
    send: (service, caller, request) => {
      const { acceptedAt, ...answer } = send(service, caller, request);
      const now = service.options.now();
      return acceptedAt === undefined ? answer : { ...answer, acceptedAt: { ...acceptedAt, nanos: now * 1_000_000 } };
    },
  },
  {
    about: "delivery acks",
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
    about: "a Sync acks one message too many",
    breaks: "acks what was said",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number) {
        super.ack(Math.min(cliSeq + 1, this.svrSeq));
      }
    },
  },
  {
    about: "a Sync acks one message too few",
    breaks: "no redelivery",
    inbox: class extends Inbox {
      protected override ack(cliSeq: number) {
        super.ack(cliSeq - 1);
      }
    },
  },
  {
    about: "the last ack wins: a late request takes it back",
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
    about: "what was delivered once is not delivered again",
    breaks: "everything comes",
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
    about: "a page has the newest messages, not the oldest",
    breaks: "consecutive",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(0).slice(-pageSize);
      }
    },
  },
  {
    about: "messages of a page come in another order",
    breaks: "consecutive",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(pageSize).reverse();
      }
    },
  },
  {
    about: "the device is sent to the end, past what its page has",
    breaks: "next",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        return { ...page, nextCliSeq: page.svrSeq };
      }
    },
  },
  {
    about: "the last message is never there",
    breaks: "everything comes",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        return super.page(pageSize).filter(({ seq }) => seq < 4);
      }
    },
  },
  {
    about: "the page size is not looked at",
    breaks: "bounded",
    inbox: class extends Inbox {
      protected override page() {
        return super.page(0);
      }
    },
  },
  {
    about: "two messages change their places when a later one comes",
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
    about: "a device stores where it stands before it stores the messages, and crashes in between",
    breaks: "nothing lost",
    stores: ({ base }) => ({ base, next: base }),
  },
  {
    about: "a page frees what it has delivered",
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

describe("a broken server is found", () => {
  test.each(mutants)("$about", ({ about, breaks, ...parts }) => {
    const { violation, path } = search(parts);
    expect(violation).toMatch(new RegExp(`^${breaks}:`));
    // Breadth first: the way there is the shortest, so that a reader sees why.
    expect(path?.length).toBeLessThanOrEqual(8);
  });
});
