import type { Caller } from "../../../reference-server/accounts.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { rpcOf, wrapSend } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Faults of a server with two front ends, one of which is wrong. Against one URL alone they cannot be seen. */
export const frontEnds: readonly Mutant[] = [
  {
    name: "front-reads-a-replica",
    breaks: "SEND-VISIBLE",
    about: "the second front end answers Sync from what it knew up to 300 milliseconds ago",
    seenIn: "couchbase/sync_gateway#3721",
    second: {
      operations: (real) => {
        const kept = new Map<string, { answer: ReturnType<typeof real.sync>; until: number }>();
        return {
          sync: (service, caller, request) => {
            const key = `${caller.account.userId} ${request.cliSeq} ${request.epoch} ${request.pageSize}`;
            const old = kept.get(key);
            if (old !== undefined && old.until > performance.now()) return old.answer;
            const answer = real.sync(service, caller, request);
            kept.set(key, { answer, until: performance.now() + 300 });
            return answer;
          },
        };
      },
    },
  },
  {
    name: "front-knows-its-own-acks",
    breaks: "ACK-NO-REDELIVERY",
    about: "the second front end answers a page that it has answered before, though it was acked at the first",
    seenIn: "nats-io/nats-server#5482",
    second: {
      operations: (real) => {
        const kept = new Map<string, ReturnType<typeof real.sync>>();
        return {
          sync: (service, caller, request) => {
            const { userId, inbox } = caller.account;
            const key = `${userId} ${inbox.epoch} ${inbox.svrSeq} ${request.cliSeq} ${request.pageSize}`;
            const answer = kept.get(key) ?? real.sync(service, caller, request);
            kept.set(key, answer);
            return answer;
          },
        };
      },
    },
  },
  {
    name: "front-remembers-its-own-sends",
    breaks: "SEND-RETRY",
    about: "the second front end knows only the Sends that it accepted itself: a retry there is another message",
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
          const answer = real(service, caller, { ...request, clientMessageId: `again-${nr}` });
          const stored = inbox?.pending.get(inbox.svrSeq);
          if (stored !== undefined) stored.clientMessageId = request.clientMessageId;
          return answer;
        };
      }),
    },
  },
  {
    name: "front-wakes-its-own-watches",
    breaks: "WATCH-WAKE",
    about: "a Watch at the second front end is not told of messages that were sent at the first",
    second: {
      operations: (real) => ({
        watch: (service, caller, stream) => {
          const { watchers } = caller.account;
          real.watch(service, caller, stream);
          const own = [...watchers].at(-1);
          if (own !== undefined) {
            watchers.delete(own);
            watchers.add({ ...own, changed: () => {} });
          }
        },
      }),
    },
  },
  {
    name: "front-caches-credentials",
    breaks: "AUTH-REVOKED",
    about: "the second front end goes on taking a credential that was revoked at the first",
    second: {
      handler: (_, service) => {
        // The same accounts, but no credential is forgotten that has been seen here.
        const cached = new Map<string, Caller>();
        const { accounts } = service;
        const stubborn: Pick<typeof accounts, "get" | "authenticate" | "revoke"> = {
          get: (userId) => accounts.get(userId),
          revoke: (token) => accounts.revoke(token),
          authenticate: (authorization = "") => {
            const known = cached.get(authorization) ?? accounts.authenticate(authorization);
            cached.set(authorization, known);
            return known;
          },
        };
        return createHandler(Object.create(service, { accounts: { value: stubborn } }), { fixtures: true });
      },
    },
  },
  {
    name: "front-without-send",
    breaks: "HTTP-PATH",
    about: "the second front end is an older version, which has no Send",
    second: {
      handler: (real) => (req, res) => {
        if (rpcOf(req) === "Send") req.url = "/seqsync.v1.SeqSyncService/SendLater";
        return real(req, res);
      },
    },
  },
];
