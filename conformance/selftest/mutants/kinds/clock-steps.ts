import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import type { Inbox } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import { wrapSend, wrapSync, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, storeDuplicate } from "../send/shared.js";
import { loseUpTo, repeatWhen, reviveTokens } from "./shared.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Creates names of an hour and a number, which starts again in each hour. */
function namesByHour(): (service: Service) => string {
  let latest = { hour: 0, count: 0 };
  return ({ options }) => {
    const hour = Math.floor(options.now() / HOUR_MS);
    latest = { hour, count: hour === latest.hour ? latest.count + 1 : 1 };
    return `${hour}-${latest.count}`;
  };
}

/** Mutants that are wrong only after the server's clock was set. */
export const clockSteps: readonly Mutant[] = [
  {
    name: "clock-messages-expire",
    breaks: "ACK-REDELIVER",
    about: "deletes messages that are more than 30 minutes old by the time of day",
    seenIn: "dotnet/orleans#1524",
    operations: wrapSync((real) => (service, caller, request) => {
      const { inbox } = caller.account;
      const now = service.options.now();
      for (const { seq, acceptedAt } of inbox.pending.values()) {
        if (acceptedAt === undefined || now - timestampMs(acceptedAt) < HOUR_MS / 2) break;
        loseUpTo(inbox, seq);
      }
      return real(service, caller, request);
    }),
  },
  {
    name: "clock-order-of-accepted-at",
    breaks: "SYNC-RANGE",
    about: "delivers messages in the order of their accepted_at",
    seenIn: "mattermost/mattermost#8754",
    operations: wrapSync((real) => (service, caller, request) => {
      const page = real(service, caller, request);
      const at = ({ acceptedAt }: (typeof page.messages)[number]) =>
        acceptedAt === undefined ? 0 : timestampMs(acceptedAt);
      return { ...page, messages: [...page.messages].sort((a, b) => at(a) - at(b)) };
    }),
  },
  {
    name: "clock-number-of-an-older-message",
    breaks: "SEQ-IMMUTABLE",
    about: "numbers a new message before the pending ones that are newer by the time of day",
    operations: wrapSend((real) => (service, caller, request) => {
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      const before = inbox?.svrSeq;
      const response = real(service, caller, request);
      if (inbox !== undefined && inbox.svrSeq !== before) sortByTime(inbox);
      return response;
    }),
  },
  {
    name: "clock-ack-of-an-older-write",
    breaks: "ACK-IMPLICIT",
    about: "responds to an ack, but keeps the earlier one if that is newer by the time of day",
    seenIn: "abhigyanpatwari/GitNexus#3169",
    operations: wrapSync((real) => {
      const writtenAt = new WeakMap<Inbox, number>();
      return (service, caller, request) => {
        const { inbox } = caller.account;
        const now = service.options.now();
        const { ackedSeq, epoch } = inbox;
        const pending = [...inbox.pending];
        const page = real(service, caller, request);
        if (inbox.ackedSeq === ackedSeq || inbox.epoch !== epoch) return page;
        if (now >= (writtenAt.get(inbox) ?? now)) {
          writtenAt.set(inbox, now);
          return page;
        }
        inbox.ackedSeq = ackedSeq;
        inbox.pending.clear();
        for (const [seq, message] of pending) inbox.pending.set(seq, message);
        return page;
      };
    }),
  },
  {
    name: "clock-record-of-the-future",
    breaks: "SEND-RETRY",
    about: "takes a dedup record that is newer than the time of day for invalid",
    seenIn: "NousResearch/hermes-agent#106052",
    operations: wrapSend((real) => (service, caller, request) => {
      const record = findRecord(service, caller, request.clientMessageId);
      const inbox = service.accounts.get(request.recipientId)?.inbox;
      const isRetry = record?.recipientId === request.recipientId && record.epoch === inbox?.epoch;
      return isRetry && timestampMs(record.acceptedAt) > service.options.now()
        ? storeDuplicate(service, caller, request)
        : real(service, caller, request);
    }),
  },
  {
    name: "clock-jump-clears-records",
    breaks: "SEND-RETRY",
    about: "deletes the dedup records when the time of day jumps forward by more than a minute",
    operations: wrapSend((real) => {
      let seenAt = Number.NEGATIVE_INFINITY;
      let jumpedAt = Number.NEGATIVE_INFINITY;
      return (service, caller, request) => {
        const now = service.options.now();
        if (now - seenAt > MINUTE_MS && seenAt > 0) jumpedAt = now;
        seenAt = now;
        const record = findRecord(service, caller, request.clientMessageId);
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const isRetry = record?.recipientId === request.recipientId && record.epoch === inbox?.epoch;
        return isRetry && timestampMs(record.acceptedAt) < jumpedAt
          ? storeDuplicate(service, caller, request)
          : real(service, caller, request);
      };
    }),
  },
  {
    name: "clock-ids-of-ten-milliseconds",
    breaks: "SEND-VISIBLE",
    about:
      "stores messages under ids of ten milliseconds and a counter, and takes one whose id is in use for already stored",
    seenIn: "apache/dolphinscheduler#6742",
    operations: wrapSend((real) => {
      const used = new Set<string>();
      let latest = { tick: 0, count: 0 };
      return (service, caller, request) => {
        const { recipientId, clientMessageId } = request;
        const inbox = service.accounts.get(recipientId)?.inbox;
        const isNew = findRecord(service, caller, clientMessageId) === undefined;
        const before = inbox?.svrSeq;
        const response = real(service, caller, request);
        if (inbox === undefined || inbox.svrSeq === before || !isNew) return response;
        const tick = Math.floor(service.options.now() / 10);
        latest = { tick, count: tick === latest.tick ? latest.count + 1 : 0 };
        const id = `${tick}-${latest.count}`;
        if (!used.has(id)) {
          used.add(id);
          return response;
        }
        inbox.pending.delete(inbox.svrSeq);
        inbox.svrSeq -= 1;
        return create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) });
      };
    }),
  },
  {
    name: "clock-ids-of-an-hour",
    breaks: "SEND-VISIBLE",
    about: "numbers messages in each hour from 1, and replaces a stored message that has the same hour and number",
    operations: wrapSend((real) => {
      const nameOf = namesByHour();
      const used = new Set<string>();
      return (service, caller, request) => {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const before = inbox?.svrSeq;
        const response = real(service, caller, request);
        if (inbox === undefined || inbox.svrSeq === before) return response;
        const name = nameOf(service);
        if (used.has(name)) {
          inbox.pending.delete(inbox.svrSeq);
          inbox.svrSeq -= 1;
        }
        used.add(name);
        return response;
      };
    }),
  },
  {
    name: "clock-epochs-of-an-hour",
    breaks: "EPOCH-RENEWED",
    about: "names epochs by the hour and a number, which starts again when the hour changes",
    operations: (real) => {
      const names = new WeakMap<Inbox, ReturnType<typeof namesByHour>>();
      return {
        rotateEpoch: (service, request) => {
          const response = real.rotateEpoch(service, request);
          const account = service.accounts.get(request.userId);
          if (account === undefined) return response;
          const nameOf = names.get(account.inbox) ?? namesByHour();
          names.set(account.inbox, nameOf);
          account.inbox.epoch = nameOf(service);
          for (const watcher of account.watchers) watcher.changed();
          return response;
        },
      };
    },
  },
  {
    name: "clock-revocation-expires",
    breaks: "AUTH-REVOKED",
    about: "deletes a revocation that is more than 30 minutes old by the time of day, and then accepts the token again",
    ...reviveTokens(({ at }, now) => now - at > HOUR_MS / 2),
  },
  {
    name: "clock-revocation-of-the-future",
    breaks: "AUTH-REVOKED",
    about: "accepts a revoked token while the time of day is before that of the revocation",
    ...reviveTokens(({ at }, now) => now < at),
  },
  {
    name: "clock-watch-waits-for-the-time",
    breaks: "WATCH-WAKE",
    about:
      "reports no change on a Watch while the time of day is before that of the latest change, and repeats its frame",
    seenIn: "NousResearch/hermes-agent#106052",
    operations: wrapWatch((stream, _, { options }) => {
      let changedAt = Number.NEGATIVE_INFINITY;
      const repeating = repeatWhen(stream, () => options.now() < changedAt);
      return {
        ...repeating,
        write: (frame) => {
          changedAt = Math.max(changedAt, options.now());
          return repeating.write(frame);
        },
      };
    }),
  },
  {
    name: "clock-first-frame-of-an-earlier-watch",
    breaks: "WATCH-FIRST",
    about:
      "begins a Watch with the first frame of an earlier one while the time of day is before that of the earlier one",
    operations: (real) => {
      const earlier = new WeakMap<Inbox, { state: ReturnType<Inbox["state"]>; at: number }>();
      return {
        watch: (service, caller, stream) => {
          const { inbox } = caller.account;
          let isFirst = true;
          real.watch(service, caller, {
            ...stream,
            write: (frame) => {
              if (!isFirst) return stream.write(frame);
              isFirst = false;
              const now = service.options.now();
              const other = earlier.get(inbox);
              if (other !== undefined && now < other.at) return stream.write({ ...frame, ...other.state });
              earlier.set(inbox, { state: inbox.state(), at: now });
              return stream.write(frame);
            },
          });
        },
      };
    },
  },
  {
    name: "clock-heartbeats-wait",
    breaks: "WATCH-HEARTBEAT",
    about: "sends a heartbeat when ten seconds have passed by the time of day",
    seenIn: "samm-git/btest-opensource#13",
    kind: "times",
    options: { heartbeatMs: 1000 },
    operations: wrapWatch((stream, _, { options }) => {
      let state = "";
      let writtenAt = 0;
      return {
        ...stream,
        write: (frame) => {
          const next = `${frame.epoch} ${frame.svrSeq}`;
          if (next === state && options.now() - writtenAt < 10_000) return true;
          state = next;
          writtenAt = options.now();
          return stream.write(frame);
        },
      };
    }),
  },
];

/** Numbers the pending messages of an inbox again, in the order of their accepted_at. */
function sortByTime({ pending }: Inbox): void {
  const seqs = [...pending.keys()].sort((a, b) => a - b);
  const messages = [...pending.values()].sort(
    (a, b) =>
      (a.acceptedAt === undefined ? 0 : timestampMs(a.acceptedAt)) -
      (b.acceptedAt === undefined ? 0 : timestampMs(b.acceptedAt)),
  );
  pending.clear();
  for (const [index, seq] of seqs.entries()) {
    const message = messages[index];
    if (message !== undefined) pending.set(seq, { ...message, seq });
  }
}
