import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { mapPage, RetainingInbox } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Mutants of the chapter "Devices". */
export const devices: readonly Mutant[] = [
  {
    name: "dev-steals",
    breaks: "DEV-TOGETHER",
    about: "returns the messages to only one of two devices that sync at the same time",
    seenIn: "matrix-org/matrix-spec-proposals#3721",
    inbox: class extends Inbox {
      #delivered = 0;
      #until = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        const now = performance.now();
        if (
          now < this.#until &&
          page.nextCliSeq <= this.#delivered &&
          cliSeq < this.#delivered &&
          page.messages.length > 1
        ) {
          return { ...page, messages: [], nextCliSeq: page.ackedSeq };
        }
        this.#delivered = page.nextCliSeq;
        this.#until = now + 5;
        return page;
      }
    },
  },
  {
    name: "dev-lagging-is-refused",
    breaks: "DEV-LAGGING",
    about: "refuses a device whose cli_seq is below the ack",
    seenIn: "element-hq/synapse#20080",
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
    about: "returns a lagging device's own cli_seq as next_cli_seq if nothing is pending",
    inbox: mapPage((page, _inbox, { cliSeq }) =>
      page.messages.length === 0 && cliSeq > 0 ? { ...page, nextCliSeq: cliSeq } : page,
    ),
  },
  {
    name: "dev-new-one-starts-over",
    breaks: "DEV-LAGGING",
    about: "returns acked_seq 0 to a new device if nothing is pending",
    inbox: mapPage((page, _inbox, { cliSeq }) =>
      page.messages.length === 0 && cliSeq === 0 && page.svrSeq === page.ackedSeq
        ? { ...page, ackedSeq: 0, nextCliSeq: 0 }
        : page,
    ),
  },
  {
    name: "dev-acks-by-device",
    breaks: "DEV-SHARED-ACK",
    about: "delivers messages that another device has acked to a device that has synced before",
    inbox: class extends RetainingInbox {
      readonly #returned = new Set<number>();
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (cliSeq === 0 || cliSeq >= page.ackedSeq || this.#returned.has(cliSeq)) return page;
        this.#returned.add(cliSeq);
        const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
        const messages = [...this.retained.values()].filter(({ seq }) => seq > cliSeq).slice(0, most);
        return messages.length === 0
          ? page
          : { ...page, ackedSeq: cliSeq, messages, nextCliSeq: messages.at(-1)?.seq ?? cliSeq };
      }
    },
  },
];
