import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import { SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { digest } from "../../../../reference-server/dedup.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import type { RequirementId } from "../../../requirements/requirements.js";
import { storeDuplicate } from "../../mutants/send/shared.js";
import type { Effect, EffectFamily, EffectKind, SendCall } from "../effect.js";
import { idAlteration, isEqual, payloadAlteration } from "./alterations.js";

type Breaks = Effect["breaks"];

const send = (
  kind: EffectKind,
  about: string,
  breaks: Breaks,
  apply: (call: SendCall) => ReturnType<SendCall["real"]>,
) => ({ kind, about, breaks, target: "send", apply }) as const;

/** Stores the message, then changes it if `change` returns true. It shows once it is delivered. */
const changing = (
  kind: EffectKind,
  about: string,
  breaks: Breaks,
  change: (stored: Message, call: SendCall) => boolean,
) =>
  send(kind, about, breaks, (call) => {
    const { inbox, traffic, log } = call;
    const response = call.real();
    const stored = inbox.pending.get(inbox.svrSeq);
    if (stored !== undefined && change(stored, call))
      traffic.fire(log, (_, { messages }) => messages.some((it) => it === stored || it.seq === stored.seq));
    return response;
  });

/** Returns the response of a Send that stores nothing, with its dedup record if there is to be one. */
function respondOnly({ service, caller, request, recipient }: SendCall) {
  const now = service.options.now();
  const acceptedAt = timestampFromMs(now);
  const { recipientId, clientMessageId, payload } = request;
  const { epoch } = recipient.inbox;
  const record = { recipientId, epoch, payloadDigest: digest(payload), acceptedAt };
  service.dedup.add(caller.account.userId, clientMessageId, now, record);
  return { now, acceptedAt, epoch, response: create(SendResponseSchema, { acceptedAt }) };
}

/** Names a Send for `Traffic.forgotten`. */
export const keyOf = (userId: string, clientMessageId: string) => JSON.stringify([userId, clientMessageId]);

const REFUSALS: readonly [about: string, refusal: () => Refusal, also: readonly RequirementId[]][] = [
  ["as if there were no recipient", () => refuse(Reason.RECIPIENT_UNKNOWN, "no such account"), ["SEND-RECIPIENT"]],
  ["as too large", () => refuse(Reason.PAYLOAD_TOO_LARGE, "too large"), ["SEND-SIZES"]],
  ["for its id", () => refuse(Reason.CLIENT_MESSAGE_ID_INVALID, "not an id"), ["SEND-SIZES"]],
  ["as a reused id", () => refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "used"), ["SEND-ID-FREE", "SEND-ID-SCOPE"]],
  ["as malformed", () => refuse(Reason.MALFORMED, "malformed"), ["SEND-SIZES"]],
  ["with internal", () => new Refusal("internal", "internal error"), []],
];

/** Effects on a Send that stores a new message. */
export const sendEffects: readonly EffectFamily[] = [
  () =>
    send("lost", "a message is accepted, but not stored", ["SEND-VISIBLE"], (call) => {
      const { epoch, response } = respondOnly(call);
      call.traffic.fire(call.log, (_, it) => it.epoch === epoch);
      return response;
    }),
  () =>
    send(
      "lost",
      "the dedup record of a message is not kept",
      ["SEND-RETRY", "SEND-RETRY-LATER", "SEND-RETRY-CONCURRENT"],
      (call) => {
        call.traffic.fired += 1;
        call.traffic.forgotten.add(keyOf(call.caller.account.userId, call.request.clientMessageId));
        return storeDuplicate(call.service, call.caller, call.request);
      },
    ),
  (draw) => {
    const ms = draw.magnitude(50, 3000);
    return send("late", `a message is stored ${ms} ms after the response`, ["SEND-VISIBLE", "SEND-ORDER"], (call) => {
      const { recipient, caller, request, traffic, log } = call;
      const { acceptedAt, epoch, response } = respondOnly(call);
      const { clientMessageId, payload } = request;
      let isStored = false;
      traffic.fire(log, (_, it) => !isStored && it.epoch === epoch);
      setTimeout(() => {
        isStored = true;
        if (recipient.inbox.epoch !== epoch) return;
        try {
          recipient.inbox.append({ senderId: caller.account.userId, clientMessageId, payload, acceptedAt });
        } catch {} // the inbox is full: the message is lost
        for (const watcher of recipient.watchers) watcher.changed();
      }, ms).unref();
      return response;
    });
  },
  () =>
    send("doubled", "a message is stored twice", ["SEQ-CONSECUTIVE", "SEQ-PARALLEL", "SEND-RETRY"], (call) => {
      const { service, caller, request, inbox, log, traffic } = call;
      const response = call.real();
      try {
        storeDuplicate(service, caller, request);
        const [seq, { epoch }] = [inbox.svrSeq, inbox];
        traffic.fire(log, (_, it) => it.epoch === epoch && it.svrSeq >= seq);
      } catch {} // the inbox is full
      return response;
    }),
  (draw) => {
    const { about, change } = payloadAlteration(draw);
    return changing("altered", `the payload ${about}`, ["SEND-BYTES"], (stored) => {
      const before = stored.payload;
      stored.payload = change(before);
      return !isEqual(before, stored.payload);
    });
  },
  (draw) => {
    const { about, change } = idAlteration(draw);
    return changing("altered", `the client_message_id ${about}`, ["SEND-BYTES"], (stored) => {
      const before = stored.clientMessageId;
      stored.clientMessageId = change(before);
      return stored.clientMessageId !== before;
    });
  },
  (draw) => {
    const ms = draw.pick([-1000, -1, 1, 60_000]);
    return changing("altered", `accepted_at is delivered ${ms} ms later than told`, ["SEND-ACCEPTED-AT"], (stored) => {
      if (stored.acceptedAt !== undefined) stored.acceptedAt = timestampFromMs(timestampMs(stored.acceptedAt) + ms);
      return true;
    });
  },
  () =>
    changing("misattributed", "sender_id is that of the recipient", ["AUTH-SENDER"], (stored, { recipient }) => {
      const before = stored.senderId;
      stored.senderId = recipient.userId;
      return before !== stored.senderId;
    }),
  () =>
    changing("misattributed", "sender_id is that of another account", ["AUTH-SENDER"], (stored, { stranger }) => {
      if (stranger === undefined) return false;
      stored.senderId = stranger.userId;
      return true;
    }),
  () =>
    send(
      "misattributed",
      "a message is stored in the inbox of its sender",
      ["AUTH-ISOLATION", "SEND-VISIBLE"],
      (call) => {
        const { caller, recipient, request, traffic, log } = call;
        if (caller.account === recipient) return call.real();
        const { acceptedAt, epoch, response } = respondOnly(call);
        const { clientMessageId, payload } = request;
        caller.account.inbox.append({ senderId: caller.account.userId, clientMessageId, payload, acceptedAt });
        for (const watcher of caller.account.watchers) watcher.changed();
        traffic.fire(log, (_, it) => it.epoch === epoch);
        return response;
      },
    ),
  () =>
    send(
      "doubled",
      "a message is stored in the inbox of another account too",
      ["AUTH-ISOLATION", "SEQ-INDEPENDENT", "SEQ-CONSECUTIVE"],
      (call) => {
        const { stranger, traffic } = call;
        const response = call.real();
        if (stranger === undefined) return response;
        try {
          const { senderId, clientMessageId, payload, acceptedAt } = call.inbox.pending.get(
            call.inbox.svrSeq,
          ) as Message;
          const { seq } = stranger.inbox.append({
            senderId,
            clientMessageId,
            payload,
            ...(acceptedAt && { acceptedAt }),
          });
          const { epoch } = stranger.inbox;
          traffic.fire(traffic.account(stranger.userId), (_, it) => it.epoch === epoch && it.svrSeq >= seq);
        } catch {} // its inbox is full
        return response;
      },
    ),
  () =>
    send("reordered", "a message takes the place of the pending one before it", ["SEND-ORDER"], (call) => {
      const { inbox, log, traffic, arrivedAt } = call;
      const before = inbox.pending.get(inbox.svrSeq);
      const response = call.real();
      // Calls that overlap have no order, and a message that was delivered would change its seq.
      const storedAt = before?.acceptedAt === undefined ? arrivedAt : timestampMs(before.acceptedAt);
      if (before === undefined || before.seq <= log.deliveredSeq || storedAt + 3 > arrivedAt) return response;
      inbox.swapLast();
      traffic.fire(log, (_, { messages }) => messages.some((it) => it === before));
      return response;
    }),
  () =>
    send(
      "wrong number",
      "a seq is left out before a message",
      ["SEQ-CONSECUTIVE", "SEQ-PARALLEL", "SEQ-CONTIGUOUS", "SYNC-RANGE"],
      (call) => {
        const { inbox, log, traffic } = call;
        const before = inbox.svrSeq;
        inbox.skipSeq();
        const response = call.real();
        const { svrSeq, epoch } = inbox;
        if (svrSeq > before + 1) traffic.fire(log, (_, it) => it.epoch === epoch && it.svrSeq >= svrSeq);
        return response;
      },
    ),
  (draw) => {
    const [about, refusal, also] = draw.pick(REFUSALS);
    return send("wrong code", `a Send is refused ${about}`, ["SEND-ACCEPT", ...also], ({ traffic }) => {
      traffic.fireAndShow();
      throw refusal();
    });
  },
];

const RETRY: Breaks = ["SEND-RETRY", "SEND-RETRY-LATER", "SEND-RETRY-CONCURRENT", "SEND-RETRY-FIRST"];

const retry = (kind: EffectKind, about: string, apply: (call: SendCall) => ReturnType<SendCall["real"]>) =>
  ({ kind, about, breaks: RETRY, target: "retry", apply }) as const;

/** Effects on a retry of an accepted Send. */
export const retryEffects: readonly EffectFamily[] = [
  () =>
    retry("doubled", "a retry is stored again", (call) => {
      const { inbox, log, traffic } = call;
      const response = storeDuplicate(call.service, call.caller, call.request);
      const { svrSeq, epoch } = inbox;
      traffic.fire(log, (_, it) => it.epoch === epoch && it.svrSeq >= svrSeq);
      return response;
    }),
  () =>
    retry("wrong code", "a retry is refused as a reused id", ({ traffic }) => {
      traffic.fireAndShow();
      throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "used");
    }),
  () =>
    retry("wrong code", "a retry is refused because the inbox is full", ({ traffic }) => {
      traffic.fireAndShow();
      throw refuse(Reason.BACKLOG_FULL, "full");
    }),
  () =>
    retry("altered", "a retry is told another accepted_at", ({ real, traffic }) => {
      const response = real();
      if (response.acceptedAt === undefined) return response;
      traffic.fireAndShow();
      return create(SendResponseSchema, { acceptedAt: timestampFromMs(timestampMs(response.acceptedAt) + 1) });
    }),
];
