import { Refusal } from "../../../reference-server/errors.js";
import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { mapPage, wrapSync } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Mutants of the chapter "Sync". */
export const sync: readonly Mutant[] = [
  {
    name: "sync-base-is-cli-seq",
    breaks: "SYNC-BASE",
    about: "returns the request's cli_seq as acked_seq, even if a higher seq is acked",
    inbox: mapPage((page, _inbox, { cliSeq }) => ({ ...page, ackedSeq: cliSeq })),
  },
  {
    name: "sync-range-includes-base",
    breaks: "SYNC-RANGE",
    about: "starts a page with the last acked message",
    seenIn: "bluesky-social/indigo#837",
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
    about: "omits the first message of a page",
    seenIn: "dino/dino#1882",
    inbox: mapPage((page) => (page.messages.length > 1 ? { ...page, messages: page.messages.slice(1) } : page)),
  },
  {
    name: "sync-newest-first",
    breaks: "SYNC-RANGE",
    about: "returns a page in descending order",
    seenIn: "alberliu/gim#92",
    inbox: mapPage((page) => ({ ...page, messages: [...page.messages].reverse() })),
  },
  {
    name: "sync-hole-in-the-hundredth",
    breaks: "SYNC-RANGE",
    about: "omits every hundredth message of a page",
    inbox: mapPage((page) => ({ ...page, messages: page.messages.filter((_, index) => index % 100 !== 99) })),
  },
  {
    name: "sync-next-is-svr-seq",
    breaks: "SYNC-NEXT",
    about: "returns svr_seq as next_cli_seq, so that paging loses the remaining messages",
    inbox: mapPage((page) => ({ ...page, nextCliSeq: page.svrSeq })),
  },
  {
    name: "sync-next-is-zero-when-empty",
    breaks: "SYNC-NEXT",
    about: "returns next_cli_seq 0 in a response without messages",
    seenIn: "akkadotnet/Akka.Persistence.EventStore#8",
    inbox: mapPage((page) => (page.messages.length === 0 ? { ...page, nextCliSeq: 0 } : page)),
  },
  {
    name: "sync-long-poll",
    breaks: "SYNC-EMPTY",
    about: "delays a Sync response without messages by a minute",
    operations: (real) => ({
      sync: (service, caller, request) => {
        const response = real.sync(service, caller, request);
        if (response.messages.length > 0) return response;
        return new Promise((resolve) => setTimeout(() => resolve(response), 60_000).unref()) as never;
      },
    }),
  },
  {
    name: "sync-from-a-replica",
    breaks: "SYNC-LINEARIZABLE",
    about: "serves every fourth Sync from a lagging replica, so that a message delivered before is missing",
    seenIn: "couchbase/sync_gateway#2108",
    inbox: class extends Inbox {
      #reads = 0;
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const page = super.sync(cliSeq, epoch, pageSize);
        this.#reads += 1;
        if (this.#reads % 4 !== 0 || page.messages.length < 2 || page.nextCliSeq !== page.svrSeq) return page;
        const messages = page.messages.slice(0, -1);
        return { ...page, messages, svrSeq: page.svrSeq - 1, nextCliSeq: page.nextCliSeq - 1 };
      }
    },
  },
  {
    name: "sync-refuses-each-hundredth",
    breaks: "SYNC-ANSWER",
    about: "fails every hundredth Sync with an internal error",
    operations: (real) => {
      let count = 0;
      return {
        sync: (service, caller, request) => {
          count += 1;
          if (count % 100 === 0) throw new Refusal("internal", "a fault");
          return real.sync(service, caller, request);
        },
      };
    },
  },
  {
    name: "sync-of-an-empty-inbox-fails",
    breaks: "SYNC-ANSWER",
    about: "responds with not_found to a Sync before the account's first message",
    seenIn: "socketio/socket.io#4888",
    operations: wrapSync((real) => (service, caller, request) => {
      if (caller.account.inbox.svrSeq === 0) throw new Refusal("not_found", "nothing is known of this inbox");
      return real(service, caller, request);
    }),
  },
];
