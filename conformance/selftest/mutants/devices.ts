import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { mapPage, RetainingInbox } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Faults of the chapter "Devices". */
export const devices: readonly Mutant[] = [
  {
    name: "dev-steals",
    breaks: "DEV-TOGETHER",
    about: "of two devices that ask at once, one gets the messages and the other none",
    seenIn: "matrix-org/matrix-spec-proposals#3721",
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
    about: "next_cli_seq of an empty answer is the device's own cli_seq, behind what is acked",
    inbox: mapPage((page, _inbox, { cliSeq }) =>
      page.messages.length === 0 && cliSeq > 0 ? { ...page, nextCliSeq: cliSeq } : page,
    ),
  },
  {
    name: "dev-new-one-starts-over",
    breaks: "DEV-LAGGING",
    about: "who asks from 0 when nothing is pending is told that nothing was ever acked",
    inbox: mapPage((page, _inbox, { cliSeq }) =>
      page.messages.length === 0 && cliSeq === 0 && page.svrSeq === page.ackedSeq
        ? { ...page, ackedSeq: 0, nextCliSeq: 0 }
        : page,
    ),
  },
  {
    name: "dev-acks-by-device",
    breaks: "DEV-SHARED-ACK",
    about: "an ack of one device does not count for a device that has asked before",
    inbox: class extends RetainingInbox {
      readonly #asked = new Set<number>();
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        if (cliSeq === 0 || cliSeq >= page.ackedSeq || this.#asked.has(cliSeq)) return page;
        this.#asked.add(cliSeq);
        const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
        const messages = [...this.kept.values()].filter(({ seq }) => seq > cliSeq).slice(0, most);
        return messages.length === 0
          ? page
          : { ...page, ackedSeq: cliSeq, messages, nextCliSeq: messages.at(-1)?.seq ?? cliSeq };
      }
    },
  },
];
