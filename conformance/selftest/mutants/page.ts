import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { mapPage } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Mutants of the chapter "Paging". */
export const page: readonly Mutant[] = [
  {
    name: "page-ignores-page-size",
    breaks: "PAGE-CAP",
    about: "ignores page_size",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string): Page {
        return super.sync(cliSeq, epoch, 0);
      }
    },
  },
  {
    name: "page-one-too-many",
    breaks: "PAGE-CAP",
    about: "returns one message more than page_size",
    seenIn: "tinode/tindroid#158",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch, pageSize > 1 ? pageSize + 1 : pageSize);
      }
    },
  },
  {
    name: "page-over-the-maximum",
    breaks: "PAGE-MAX",
    about: "grants a page_size above max_page_size",
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
    about: "returns no messages for page_size 0",
    inbox: mapPage((page, _inbox, { pageSize }) =>
      pageSize === 0 ? { ...page, messages: [], nextCliSeq: page.ackedSeq } : page,
    ),
  },
  {
    name: "page-of-nothing-when-large",
    breaks: "PAGE-PROGRESS",
    about: "never delivers a message that exceeds the byte limit of a page",
    seenIn: "element-hq/synapse#11611",
    inbox: mapPage((page) => {
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
    about: "loses the last message if the last page is exactly full",
    seenIn: "matrix-org/synapse#11457",
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
    name: "page-ends-by-bytes-goes-on-by-count",
    breaks: "SYNC-NEXT",
    about: "computes next_cli_seq from page_size, though a byte limit ended the page early",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const most = Math.min(pageSize || this.limits.maxPageSize, this.limits.maxPageSize);
        return { ...page, nextCliSeq: Math.min(page.svrSeq, page.ackedSeq + most) };
      }
    },
  },
  {
    name: "page-offset-moves",
    breaks: "PAGE-ARRIVALS",
    about: "skips a message if others arrive between two pages",
    seenIn: "iNPUTmice/jmap#47",
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
    about: "delivers the next page only when a new message arrives",
    seenIn: "iNPUTmice/jmap#47",
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
    about: "returns the next page if the same page is requested again",
    inbox: class extends Inbox {
      #ended = 0;
      #lastCliSeq = -1;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const again =
          cliSeq === this.#lastCliSeq && pageSize > 0 && this.#ended > this.ackedSeq && this.#ended < this.svrSeq;
        this.#lastCliSeq = cliSeq;
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
    name: "page-end-wraps",
    breaks: "SEQ-EXHAUSTED-SYNC",
    about: "computes the end of a page in 32 bits, so that it wraps near the last seq",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        const page = super.page(pageSize);
        if (pageSize === 0) return page;
        const end = (this.ackedSeq + Math.min(pageSize, this.limits.maxPageSize)) >>> 0;
        return page.filter(({ seq }) => seq <= end);
      }
    },
  },
  {
    name: "page-end-signed",
    breaks: "SEQ-UNSIGNED",
    about: "computes the end of a page as a signed number, which is negative beyond 2^31",
    inbox: class extends Inbox {
      protected override page(pageSize: number) {
        const page = super.page(pageSize);
        if (pageSize === 0 || this.ackedSeq > 0x7fff_ffff) return page;
        const end = (this.ackedSeq + Math.min(pageSize, this.limits.maxPageSize)) | 0;
        return page.filter(({ seq }) => seq <= end);
      }
    },
  },
  {
    name: "page-size-in-a-byte",
    breaks: "PAGE-CAP",
    about: "stores page_size in a byte, so that 256 becomes 0",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        return super.sync(cliSeq, epoch, pageSize > 1000 ? pageSize : pageSize & 0xff);
      }
    },
  },
  {
    name: "page-looks-ahead-at-the-maximum",
    breaks: "PAGE-CAP",
    about: "returns one message more than page_size if page_size is max_page_size - 1",
    inbox: class extends Inbox {
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const { maxPageSize } = this.limits;
        if (pageSize !== maxPageSize - 1) return super.sync(cliSeq, epoch, pageSize);
        return super.sync(cliSeq, epoch, pageSize + 1);
      }
    },
  },
];
