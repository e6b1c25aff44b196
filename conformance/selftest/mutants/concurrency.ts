import { setTimeout as pause } from "node:timers/promises";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SendResponse, SyncResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../../../reference-server/accounts.js";
import { refuse } from "../../../reference-server/errors.js";
import type { Mutant } from "./mutant.js";
import { findRecord, storeDuplicate } from "./send/shared.js";

/** Simulates one step of a slow store, during which other calls proceed. */
const step = () => pause(5);

/** Mutants whose fault shows only when calls overlap. */
export const concurrency: readonly Mutant[] = [
  {
    name: "race-seq-before-message",
    breaks: "SEQ-CONTIGUOUS",
    about: "assigns a seq before it stores the message, so that a concurrent Sync skips it",
    seenIn: "openimsdk/open-im-server#320",
    race: true,
    operations: (real) => {
      const unwritten = new Set<Message>();
      return {
        send: async (service, caller, request) => {
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          const before = inbox?.svrSeq;
          const response = real.send(service, caller, request);
          const stored = inbox?.pending.get(inbox.svrSeq);
          if (stored === undefined || stored.seq === before) return response;
          unwritten.add(stored);
          await step();
          unwritten.delete(stored);
          return response;
        },
        sync: (service, caller, request) => {
          const response = real.sync(service, caller, request);
          const messages = response.messages.filter((message) => !unwritten.has(message));
          return { ...response, messages, nextCliSeq: messages.at(-1)?.seq ?? response.ackedSeq };
        },
      };
    },
  },
  {
    name: "race-ack-read-then-written",
    breaks: "ACK-MONOTONE",
    about: "reads the ack and writes it later, so that the lower of two concurrent acks can win",
    seenIn: "spring-projects/spring-kafka#3186",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const { inbox } = caller.account;
        const { ackedSeq, epoch } = inbox;
        const before = [...inbox.pending.values()];
        const response = real.sync(service, caller, request);
        if (request.cliSeq <= ackedSeq) return response;
        await step();
        lowerAck(caller, epoch, request.cliSeq, before);
        return response;
      },
    }),
  },
  {
    name: "race-ack-written-behind",
    breaks: "ACK-MONOTONE",
    about: "writes acks after the response, so that a late write can undo a later ack",
    seenIn: "confluentinc/confluent-kafka-go#209",
    race: true,
    operations: (real) => ({
      sync: (service, caller, request) => {
        const { inbox } = caller.account;
        const { ackedSeq, epoch } = inbox;
        const before = [...inbox.pending.values()];
        const response = real.sync(service, caller, request);
        if (request.cliSeq > ackedSeq) void pause(20).then(() => lowerAck(caller, epoch, request.cliSeq, before));
        return response;
      },
    }),
  },
  {
    name: "race-dedup-check-then-insert",
    breaks: "SEND-RETRY-CONCURRENT",
    about: "looks for a dedup record and writes it later, so that concurrent retries are stored twice",
    seenIn: "matrix-org/synapse#8476",
    race: true,
    operations: (real) => ({
      send: async (service, caller, request) => {
        if (findRecord(service, caller, request.clientMessageId) !== undefined)
          return real.send(service, caller, request);
        await step();
        const record = findRecord(service, caller, request.clientMessageId);
        return record?.recipientId === request.recipientId
          ? storeDuplicate(service, caller, request)
          : real.send(service, caller, request);
      },
    }),
  },
  {
    name: "race-dedup-locks-by-id",
    breaks: "SEND-ID-SCOPE",
    about: "returns the response of a concurrent Send with the same id, even to another sender",
    seenIn: "nensii21/devlink#773",
    race: true,
    operations: (real) => {
      const inFlight = new Map<string, Promise<SendResponse>>();
      return {
        send: (service, caller, request) => {
          const id = request.clientMessageId;
          const first = inFlight.get(id);
          if (first !== undefined) return first;
          const pending = step()
            .then(() => real.send(service, caller, request))
            .finally(() => inFlight.delete(id));
          inFlight.set(id, pending);
          return pending;
        },
      };
    },
  },
  {
    name: "race-page-end-read-last",
    breaks: "SYNC-NEXT",
    about: "reads next_cli_seq after the messages of a page, when more messages may have arrived",
    seenIn: "couchbase/sync_gateway#2108",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const response = real.sync(service, caller, request);
        if (response.nextCliSeq !== response.svrSeq) return response;
        await step();
        const { epoch, svrSeq } = caller.account.inbox;
        return epoch === response.epoch ? { ...response, svrSeq, nextCliSeq: svrSeq } : response;
      },
    }),
  },
  {
    name: "race-svr-seq-read-last",
    breaks: "PAGE-PROGRESS",
    about: "reads svr_seq after the messages of a page, when more messages may have arrived",
    seenIn: "couchbase/sync_gateway#3721",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const response = real.sync(service, caller, request);
        await step();
        const { epoch, svrSeq } = caller.account.inbox;
        return epoch === response.epoch ? { ...response, svrSeq } : response;
      },
    }),
  },
  {
    name: "race-page-base-read-first",
    breaks: "SYNC-RANGE",
    about: "reads acked_seq before the messages, which another device may ack in between",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const { ackedSeq, epoch } = real.sync(service, caller, request);
        await step();
        const response = real.sync(service, caller, { ...request, epoch: "", cliSeq: 0 });
        return epoch === response.epoch ? { ...response, ackedSeq } : response;
      },
    }),
  },
  {
    name: "race-answer-cached-by-cursor",
    breaks: "SEND-VISIBLE",
    about: "repeats a cached response to the same Sync request, which misses newer messages",
    race: true,
    operations: (real) => {
      const cache = new Map<string, SyncResponse>();
      return {
        sync: (service, caller, request) => {
          const { epoch, ackedSeq } = caller.account.inbox;
          // The key has the ack and the epoch, so that a cached response misses only newer messages.
          const key = JSON.stringify([caller.account.userId, epoch, ackedSeq, request]);
          const cached = cache.get(key);
          if (cached !== undefined) return cached;
          const response = real.sync(service, caller, request);
          cache.set(key, response);
          void pause(15).then(() => cache.delete(key));
          return response;
        },
      };
    },
  },
  {
    name: "race-watch-looks-first",
    breaks: "WATCH-WAKE",
    about: "registers a Watch after it has read the state, so that a change in between sends no frame",
    seenIn: "intendant-dev/Intendant#415",
    race: true,
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { watchers } = caller.account;
        real.watch(service, caller, stream);
        const added = [...watchers].at(-1);
        if (added === undefined) return;
        let over = false;
        stream.onClose(() => {
          over = true;
        });
        watchers.delete(added);
        void step().then(() => over || watchers.add(added));
      },
    }),
  },
  {
    name: "race-loser-is-refused",
    breaks: "SEND-RETRY-CONCURRENT",
    about: "refuses a concurrent retry as a reused id",
    race: true,
    operations: (real) => ({
      send: async (service, caller, request) => {
        if (findRecord(service, caller, request.clientMessageId) !== undefined)
          return real.send(service, caller, request);
        await step();
        const record = findRecord(service, caller, request.clientMessageId);
        if (record !== undefined) throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "unique key");
        return real.send(service, caller, request);
      },
    }),
  },
];

/** Lowers the ack to `cliSeq`, and restores the messages above it from `before`. */
function lowerAck({ account: { inbox } }: Caller, epoch: string, cliSeq: number, before: readonly Message[]): void {
  if (inbox.epoch !== epoch || inbox.ackedSeq <= cliSeq) return;
  const restored = before.filter(({ seq }) => seq > cliSeq && seq <= inbox.ackedSeq);
  // A gap would violate a different requirement.
  if (restored.length < inbox.ackedSeq - cliSeq) return;
  for (const message of restored) inbox.pending.set(message.seq, message);
  inbox.ackedSeq = cliSeq;
}
