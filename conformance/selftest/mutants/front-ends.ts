import type { Caller } from "../../../reference-server/accounts.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { rpcOf, wrapSend } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/**
 * Mutants with two front ends, the second of which is faulty. A run against the first URL alone does not detect them.
 */
export const frontEnds: readonly Mutant[] = [
  {
    name: "front-reads-a-replica",
    breaks: "SEND-VISIBLE",
    about: "caches Sync responses at the second front end for 300 ms",
    seenIn: "couchbase/sync_gateway#3721",
    second: {
      operations: (real) => {
        const cache = new Map<string, { response: ReturnType<typeof real.sync>; until: number }>();
        return {
          sync: (service, caller, request) => {
            const key = `${caller.account.userId} ${request.cliSeq} ${request.epoch} ${request.pageSize}`;
            const cached = cache.get(key);
            if (cached !== undefined && cached.until > performance.now()) return cached.response;
            const response = real.sync(service, caller, request);
            cache.set(key, { response, until: performance.now() + 300 });
            return response;
          },
        };
      },
    },
  },
  {
    name: "front-knows-its-own-acks",
    breaks: "ACK-NO-REDELIVERY",
    about: "delivers a page again at the second front end after its ack at the first",
    seenIn: "nats-io/nats-server#5482",
    second: {
      operations: (real) => {
        const cache = new Map<string, ReturnType<typeof real.sync>>();
        return {
          sync: (service, caller, request) => {
            const { userId, inbox } = caller.account;
            const key = `${userId} ${inbox.epoch} ${inbox.svrSeq} ${request.cliSeq} ${request.pageSize}`;
            const response = cache.get(key) ?? real.sync(service, caller, request);
            cache.set(key, response);
            return response;
          },
        };
      },
    },
  },
  {
    name: "front-remembers-its-own-sends",
    breaks: "SEND-RETRY",
    about: "stores the retry of a Send again if the first attempt was sent to the first front end",
    seenIn: "matrix-org/synapse#3365",
    second: {
      operations: wrapSend((real) => {
        const own = new Set<string>();
        let nr = 0;
        return (service, caller, request) => {
          const { userId } = caller.account;
          const key = `${userId} ${request.clientMessageId}`;
          const record = service.dedup.find(userId, request.clientMessageId, service.options.now());
          if (record === undefined || own.has(key) || record.recipientId !== request.recipientId) {
            own.add(key);
            return real(service, caller, request);
          }
          own.add(key);
          nr += 1;
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          const response = real(service, caller, { ...request, clientMessageId: `again-${nr}` });
          const stored = inbox?.pending.get(inbox.svrSeq);
          if (stored !== undefined) stored.clientMessageId = request.clientMessageId;
          return response;
        };
      }),
    },
  },
  {
    name: "front-wakes-its-own-watches",
    breaks: "WATCH-WAKE",
    about: "does not notify the Watches of the second front end of new messages",
    second: {
      operations: (real) => ({
        watch: (service, caller, stream) => {
          const { watchers } = caller.account;
          real.watch(service, caller, stream);
          const added = [...watchers].at(-1);
          if (added !== undefined) {
            watchers.delete(added);
            watchers.add({ ...added, changed: () => {} });
          }
        },
      }),
    },
  },
  {
    name: "front-caches-credentials",
    breaks: "AUTH-REVOKED",
    about: "accepts a credential at the second front end after its revocation at the first",
    second: {
      handler: (_, service) => {
        // The same accounts, but a credential that was used here stays valid.
        const cached = new Map<string, Caller>();
        const { accounts } = service;
        const caching: Pick<typeof accounts, "get" | "authenticate" | "revoke"> = {
          get: (userId) => accounts.get(userId),
          revoke: (token) => accounts.revoke(token),
          authenticate: (authorization = "") => {
            const known = cached.get(authorization) ?? accounts.authenticate(authorization);
            cached.set(authorization, known);
            return known;
          },
        };
        return createHandler(Object.create(service, { accounts: { value: caching } }), { fixtures: true });
      },
    },
  },
  {
    name: "front-without-send",
    breaks: "HTTP-PATH",
    about: "does not serve Send at the second front end",
    second: {
      handler: (real) => (req, res) => {
        if (rpcOf(req) === "Send") req.url = "/seqsync.v1.SeqSyncService/SendLater";
        return real(req, res);
      },
    },
  },
];
