import { setTimeout as pause } from "node:timers/promises";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SendResponse, SyncResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../../../reference-server/accounts.js";
import { refuse } from "../../../reference-server/errors.js";
import type { Mutant } from "./mutant.js";
import { findRecord, storeAgain } from "./send/parts.js";

/** As long as a store takes for one step: in it, other calls go on. */
const step = () => pause(5);

/** Faults that a server has only while calls overlap: each is right when it is asked one thing at a time. */
export const concurrency: readonly Mutant[] = [
  {
    name: "race-seq-before-message",
    breaks: "SEQ-CONTIGUOUS",
    about: "a Send takes its seq and stores the message a moment later: until then a Sync finds a hole and skips it",
    seenIn: "openimsdk/open-im-server#320",
    race: true,
    operations: (real) => {
      const unwritten = new Set<Message>();
      return {
        send: async (service, caller, request) => {
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          const before = inbox?.svrSeq;
          const answer = real.send(service, caller, request);
          const stored = inbox?.pending.get(inbox.svrSeq);
          if (stored === undefined || stored.seq === before) return answer;
          unwritten.add(stored);
          await step();
          unwritten.delete(stored);
          return answer;
        },
        sync: (service, caller, request) => {
          const answer = real.sync(service, caller, request);
          const messages = answer.messages.filter((message) => !unwritten.has(message));
          return { ...answer, messages, nextCliSeq: messages.at(-1)?.seq ?? answer.ackedSeq };
        },
      };
    },
  },
  {
    name: "race-ack-read-then-written",
    breaks: "ACK-MONOTONE",
    about: "a Sync reads the ack, compares, and writes its own a moment later: of two that overlap the older may win",
    seenIn: "spring-projects/spring-kafka#3186",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const { inbox } = caller.account;
        const { ackedSeq, epoch } = inbox;
        const kept = [...inbox.pending.values()];
        const answer = real.sync(service, caller, request);
        if (request.cliSeq <= ackedSeq) return answer;
        await step();
        lowerAck(caller, epoch, request.cliSeq, kept);
        return answer;
      },
    }),
  },
  {
    name: "race-ack-written-behind",
    breaks: "ACK-MONOTONE",
    about: "acks are written after the answer, each as it was: a late write undoes the one of the Sync that followed",
    seenIn: "confluentinc/confluent-kafka-go#209",
    race: true,
    operations: (real) => ({
      sync: (service, caller, request) => {
        const { inbox } = caller.account;
        const { ackedSeq, epoch } = inbox;
        const kept = [...inbox.pending.values()];
        const answer = real.sync(service, caller, request);
        if (request.cliSeq > ackedSeq) void pause(20).then(() => lowerAck(caller, epoch, request.cliSeq, kept));
        return answer;
      },
    }),
  },
  {
    name: "race-dedup-check-then-insert",
    breaks: "SEND-RETRY-CONCURRENT",
    about: "Send looks for a dedup record, and writes message and record a moment later",
    seenIn: "matrix-org/synapse#8476",
    race: true,
    operations: (real) => ({
      send: async (service, caller, request) => {
        if (findRecord(service, caller, request.clientMessageId) !== undefined)
          return real.send(service, caller, request);
        await step();
        const record = findRecord(service, caller, request.clientMessageId);
        return record?.recipientId === request.recipientId
          ? storeAgain(service, caller, request)
          : real.send(service, caller, request);
      },
    }),
  },
  {
    name: "race-dedup-locks-by-id",
    breaks: "SEND-ID-SCOPE",
    about: "a Send with the id of one in flight waits for that one's answer and takes it, whoever sent it",
    seenIn: "nensii21/devlink#773",
    race: true,
    operations: (real) => {
      const inFlight = new Map<string, Promise<SendResponse>>();
      return {
        send: (service, caller, request) => {
          const id = request.clientMessageId;
          const first = inFlight.get(id);
          if (first !== undefined) return first;
          const own = step()
            .then(() => real.send(service, caller, request))
            .finally(() => inFlight.delete(id));
          inFlight.set(id, own);
          return own;
        },
      };
    },
  },
  {
    name: "race-page-end-read-last",
    breaks: "SYNC-NEXT",
    about: "the end of a page is read after its messages, when others may have come",
    seenIn: "couchbase/sync_gateway#2108",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const answer = real.sync(service, caller, request);
        if (answer.nextCliSeq !== answer.svrSeq) return answer;
        await step();
        const { epoch, svrSeq } = caller.account.inbox;
        return epoch === answer.epoch ? { ...answer, svrSeq, nextCliSeq: svrSeq } : answer;
      },
    }),
  },
  {
    name: "race-svr-seq-read-last",
    breaks: "PAGE-PROGRESS",
    about: "svr_seq is read after the messages: what came in between is counted and not there",
    seenIn: "couchbase/sync_gateway#3721",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const answer = real.sync(service, caller, request);
        await step();
        const { epoch, svrSeq } = caller.account.inbox;
        return epoch === answer.epoch ? { ...answer, svrSeq } : answer;
      },
    }),
  },
  {
    name: "race-page-base-read-first",
    breaks: "SYNC-RANGE",
    about: "acked_seq is read before the messages, which another device may ack meanwhile",
    race: true,
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const { ackedSeq, epoch } = real.sync(service, caller, request);
        await step();
        const answer = real.sync(service, caller, { ...request, epoch: "", cliSeq: 0 });
        return epoch === answer.epoch ? { ...answer, ackedSeq } : answer;
      },
    }),
  },
  {
    name: "race-answer-cached-by-cursor",
    breaks: "SEND-VISIBLE",
    about: "an answer is kept for a moment for whoever asks the same: a Sync gets one that is older than its call",
    race: true,
    operations: (real) => {
      const kept = new Map<string, SyncResponse>();
      return {
        sync: (service, caller, request) => {
          const { epoch, ackedSeq } = caller.account.inbox;
          // Never across an ack or an epoch: only what has come since is missing.
          const key = JSON.stringify([caller.account.userId, epoch, ackedSeq, request]);
          const cached = kept.get(key);
          if (cached !== undefined) return cached;
          const answer = real.sync(service, caller, request);
          kept.set(key, answer);
          void pause(15).then(() => kept.delete(key));
          return answer;
        },
      };
    },
  },
  {
    name: "race-watch-looks-first",
    breaks: "WATCH-WAKE",
    about: "a Watch reads the state, and is registered a moment later: what comes in between wakes nobody",
    seenIn: "intendant-dev/Intendant#415",
    race: true,
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { watchers } = caller.account;
        real.watch(service, caller, stream);
        const own = [...watchers].at(-1);
        if (own === undefined) return;
        let over = false;
        stream.onClose(() => {
          over = true;
        });
        watchers.delete(own);
        void step().then(() => over || watchers.add(own));
      },
    }),
  },
  {
    name: "race-loser-is-refused",
    breaks: "SEND-RETRY-CONCURRENT",
    about: "a repetition that is in flight with the first violates the unique key, and is told that its id was used",
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

/** Writes an ack as it stands, below what has been acked since: the messages in between are there again. */
function lowerAck({ account: { inbox } }: Caller, epoch: string, cliSeq: number, kept: readonly Message[]): void {
  if (inbox.epoch !== epoch || inbox.ackedSeq <= cliSeq) return;
  const back = kept.filter(({ seq }) => seq > cliSeq && seq <= inbox.ackedSeq);
  // Only where all of them are still known: a hole would be another fault.
  if (back.length < inbox.ackedSeq - cliSeq) return;
  for (const message of back) inbox.pending.set(message.seq, message);
  inbox.ackedSeq = cliSeq;
}
