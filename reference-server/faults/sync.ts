import { Inbox, type Page } from "../inbox.js";
import type { Fault } from "./fault.js";

/** Changes the page that a right inbox answers. */
const answering = (change: (page: Page, inbox: Inbox, asked: { cliSeq: number; pageSize: number }) => Page) =>
  class extends Inbox {
    override sync(cliSeq: number, epoch: string, pageSize: number): Page {
      return change(super.sync(cliSeq, epoch, pageSize), this, { cliSeq, pageSize });
    }
  };

/** Faults of the chapters "Sync", "Paging" and "Devices". */
export const sync: readonly Fault[] = [
  {
    name: "sync-base-is-cli-seq",
    breaks: "SYNC-BASE",
    about: "acked_seq repeats the request's cli_seq, whatever is acked",
    inbox: answering((page, _inbox, { cliSeq }) => ({ ...page, ackedSeq: cliSeq })),
  },
  {
    name: "sync-range-includes-base",
    breaks: "SYNC-RANGE",
    about: "a page begins with the message that the device has already",
    wild: "bluesky-social/indigo#837",
    inbox: class extends Inbox {
      #last: Page["messages"][number] | undefined;
      protected override ack(cliSeq: number): void {
        this.#last = this.pending.get(cliSeq) ?? (this.#last?.seq === cliSeq ? this.#last : undefined);
        super.ack(cliSeq);
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const extra = this.#last?.seq === page.ackedSeq ? [this.#last] : [];
        return { ...page, messages: [...extra, ...page.messages] };
      }
    },
  },
  {
    name: "sync-skips-the-first",
    breaks: "SYNC-RANGE",
    about: "a page leaves out the first message after the base",
    wild: "dino/dino#1882",
    inbox: answering((page) => (page.messages.length > 1 ? { ...page, messages: page.messages.slice(1) } : page)),
  },
  {
    name: "sync-newest-first",
    breaks: "SYNC-RANGE",
    about: "a page is in descending order",
    wild: "alberliu/gim#92",
    inbox: answering((page) => ({ ...page, messages: [...page.messages].reverse() })),
  },
  {
    name: "sync-hole-in-the-hundredth",
    breaks: "SYNC-RANGE",
    about: "each hundredth message of a page is left out",
    inbox: answering((page) => ({ ...page, messages: page.messages.filter((_, index) => index % 100 !== 99) })),
  },
  {
    name: "sync-next-is-svr-seq",
    breaks: "SYNC-NEXT",
    about: "next_cli_seq is svr_seq, which with paging loses the rest",
    inbox: answering((page) => ({ ...page, nextCliSeq: page.svrSeq })),
  },
  {
    name: "sync-next-is-zero-when-empty",
    breaks: "SYNC-NEXT",
    about: "an answer without messages has next_cli_seq 0",
    wild: "akkadotnet/Akka.Persistence.EventStore#8",
    inbox: answering((page) => (page.messages.length === 0 ? { ...page, nextCliSeq: 0 } : page)),
  },
  {
    name: "sync-long-poll",
    breaks: "SYNC-EMPTY",
    about: "a Sync that has nothing to bring waits for something",
    operations: (real) => ({
      sync: (service, caller, request) => {
        const answer = real.sync(service, caller, request);
        if (answer.messages.length > 0) return answer;
        return new Promise((resolve) => setTimeout(() => resolve(answer), 60_000).unref()) as never;
      },
    }),
  },
  {
    name: "sync-from-a-replica",
    breaks: "SYNC-LINEARIZABLE",
    about: "a Sync reads a replica that lags: messages that were answered are gone again",
    wild: "couchbase/sync_gateway#2108",
    inbox: class extends Inbox {
      #reads = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        this.#reads += 1;
        // The lagging replica is asked each fourth time.
        if (this.#reads % 4 !== 0 || page.messages.length < 2 || page.nextCliSeq !== page.svrSeq) return page;
        const messages = page.messages.slice(0, -1);
        return { ...page, messages, svrSeq: page.svrSeq - 1, nextCliSeq: page.nextCliSeq - 1 };
      }
    },
  },
  {
    name: "page-ignores-page-size",
    breaks: "PAGE-CAP",
    about: "page_size has no effect",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string): Page {
        return super.sync(cliSeq, epoch, 0);
      }
    },
  },
  {
    name: "page-one-too-many",
    breaks: "PAGE-CAP",
    about: "a full page has one message more than was asked for",
    wild: "tinode/tindroid#158",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch, pageSize > 1 ? pageSize + 1 : pageSize);
      }
    },
  },
  {
    name: "page-over-the-maximum",
    breaks: "PAGE-MAX",
    about: "a page_size above the maximum is granted",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const before = this.limits.maxPageSize;
        this.limits.maxPageSize = Math.max(before, pageSize);
        try {
          return super.sync(cliSeq, epoch, pageSize);
        } finally {
          this.limits.maxPageSize = before;
        }
      }
    },
  },
  {
    name: "page-size-zero-is-zero",
    breaks: "PAGE-DEFAULT",
    about: "page_size 0 gets no messages",
    inbox: answering((page, _inbox, { pageSize }) =>
      pageSize === 0 ? { ...page, messages: [], nextCliSeq: page.ackedSeq } : page,
    ),
  },
  {
    name: "page-of-nothing-when-large",
    breaks: "PAGE-PROGRESS",
    about: "a message that does not fit the page's byte limit is never delivered",
    wild: "element-hq/synapse#11611",
    inbox: answering((page) => {
      let bytes = 0;
      const fit = page.messages.findIndex(({ payload }) => {
        bytes += payload.length;
        return bytes > 60_000;
      });
      const messages = fit < 0 ? page.messages : page.messages.slice(0, fit);
      return { ...page, messages, nextCliSeq: messages.at(-1)?.seq ?? page.ackedSeq };
    }),
  },
  {
    name: "page-loses-the-last",
    breaks: "PAGE-UNION",
    about: "when the last page is exactly full, its last message never comes",
    wild: "matrix-org/synapse#11457",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (pageSize < 2 || page.messages.length !== pageSize || page.nextCliSeq !== page.svrSeq) return page;
        const messages = page.messages.slice(0, -1);
        return { ...page, messages, svrSeq: page.svrSeq - 1, nextCliSeq: page.nextCliSeq - 1 };
      }
    },
  },
  {
    name: "page-offset-moves",
    breaks: "PAGE-ARRIVALS",
    about: "what arrived between two pages pushes one message out of the second",
    wild: "iNPUTmice/jmap#47",
    inbox: class extends Inbox {
      #seen = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const arrived = this.#seen > 0 && this.svrSeq > this.#seen && cliSeq > 0 && cliSeq < this.#seen;
        this.#seen = page.nextCliSeq < page.svrSeq ? this.svrSeq : 0;
        if (!arrived || page.messages.length < 2) return page;
        const [first, ...rest] = page.messages;
        return first === undefined ? page : { ...page, ackedSeq: first.seq, messages: rest };
      }
    },
  },
  {
    name: "page-waits-for-traffic",
    breaks: "PAGE-NO-TRAFFIC",
    about: "what is left after a page is delivered only when something new arrives",
    wild: "iNPUTmice/jmap#47",
    inbox: class extends Inbox {
      #paged = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const waiting = cliSeq > 0 && cliSeq === this.#paged && page.messages.length > 0;
        this.#paged = page.nextCliSeq < page.svrSeq ? page.nextCliSeq : 0;
        if (!waiting) return page;
        return { ...page, messages: [], nextCliSeq: page.ackedSeq };
      }
      override append(message: Parameters<Inbox["append"]>[0]) {
        this.#paged = 0;
        return super.append(message);
      }
    },
  },
  {
    name: "page-asked-again-is-the-next",
    breaks: "PAGE-REPEAT",
    about: "the server remembers where a page ended, so that asking again gets the next one",
    inbox: class extends Inbox {
      #ended = 0;
      #asked = -1;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const again =
          cliSeq === this.#asked && pageSize > 0 && this.#ended > this.ackedSeq && this.#ended < this.svrSeq;
        this.#asked = cliSeq;
        const page = super.sync(cliSeq, epoch, again ? 0 : pageSize);
        if (again) {
          const messages = page.messages.filter(({ seq }) => seq > this.#ended).slice(0, pageSize);
          return { ...page, messages, nextCliSeq: messages.at(-1)?.seq ?? page.ackedSeq };
        }
        this.#ended = page.nextCliSeq;
        return page;
      }
    },
  },
  {
    name: "dev-steals",
    breaks: "DEV-TOGETHER",
    about: "of two devices that ask at once, one gets the messages and the other none",
    wild: "matrix-org/matrix-spec-proposals#3721",
    inbox: class extends Inbox {
      #lent = 0;
      #until = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const now = performance.now();
        if (now < this.#until && page.nextCliSeq <= this.#lent && cliSeq < this.#lent && page.messages.length > 1) {
          return { ...page, messages: [], nextCliSeq: page.ackedSeq };
        }
        this.#lent = page.nextCliSeq;
        this.#until = now + 5;
        return page;
      }
    },
  },
  {
    name: "dev-lagging-is-refused",
    breaks: "DEV-LAGGING",
    about: "a device that is behind what another has acked is told that it is wrong",
    wild: "element-hq/synapse#20080",
    operations: (real) => ({
      sync: (service, caller, request) => {
        const { ackedSeq, epoch, svrSeq } = caller.account.inbox;
        const lagging = request.cliSeq > 0 && request.cliSeq < ackedSeq;
        return real.sync(service, caller, lagging ? { ...request, cliSeq: svrSeq + 1, epoch } : request);
      },
    }),
  },
  {
    name: "dev-lagging-keeps-its-place",
    breaks: "DEV-LAGGING",
    about: "next_cli_seq of an empty answer is the device's own cli_seq, behind what is acked",
    inbox: answering((page, _inbox, { cliSeq }) =>
      page.messages.length === 0 && cliSeq > 0 ? { ...page, nextCliSeq: cliSeq } : page,
    ),
  },
  {
    name: "dev-acks-by-device",
    breaks: "DEV-SHARED-ACK",
    about: "an ack of one device does not count for a device that has asked before",
    inbox: class extends Inbox {
      readonly #kept = new Map(this.pending);
      readonly #asked = new Set<number>();
      override append(message: Parameters<Inbox["append"]>[0]) {
        const stored = super.append(message);
        this.#kept.set(stored.seq, stored);
        return stored;
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (cliSeq === 0 || cliSeq >= page.ackedSeq || this.#asked.has(cliSeq)) return page;
        this.#asked.add(cliSeq);
        const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
        const messages = [...this.#kept.values()].filter(({ seq }) => seq > cliSeq).slice(0, most);
        return messages.length === 0
          ? page
          : { ...page, ackedSeq: cliSeq, messages, nextCliSeq: messages.at(-1)?.seq ?? cliSeq };
      }
    },
  },
];
