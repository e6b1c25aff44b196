import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type Message, MessageSchema } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import { type SyncResponse, SyncResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import type { Effect, EffectFamily, EffectKind, SyncCall } from "../effect.js";
import { idAlteration, isEqual, payloadAlteration } from "./alterations.js";

type Breaks = Effect["breaks"];

const sync = (
  kind: EffectKind,
  about: string,
  breaks: Breaks,
  apply: (call: SyncCall) => SyncResponse | Promise<SyncResponse>,
) => ({ kind, about, breaks, target: "sync", apply }) as const;

/** Changes the response; `change` returns undefined if the fault cannot show in it. */
const responding = (
  kind: EffectKind,
  about: string,
  breaks: Breaks,
  change: (response: SyncResponse, call: SyncCall) => Partial<SyncResponse> | undefined,
): EffectFamily => {
  const apply = (call: SyncCall) => {
    const response = call.real();
    const changed = change(response, call);
    if (changed === undefined) return response;
    call.traffic.fireAndShow();
    const { epoch, svrSeq, ackedSeq, messages, nextCliSeq } = { ...response, ...changed };
    return create(SyncResponseSchema, { epoch, svrSeq, ackedSeq, messages, nextCliSeq });
  };
  return () => sync(kind, about, breaks, apply);
};

/** Changes one message of the page, but not the stored one; `change` returns undefined if it cannot show. */
const delivering = (
  kind: EffectKind,
  about: string,
  breaks: Breaks,
  change: (message: Message, call: SyncCall) => Partial<Message> | undefined,
): EffectFamily =>
  responding(kind, about, breaks, ({ messages }, call) => {
    const last = messages.at(-1);
    const changed = last && change(last, call);
    if (last === undefined || changed === undefined) return undefined;
    const { seq, senderId, clientMessageId, payload, acceptedAt } = { ...last, ...changed };
    const altered = create(MessageSchema, {
      seq,
      senderId,
      clientMessageId,
      payload,
      ...(acceptedAt && { acceptedAt }),
    });
    return { messages: [...messages.slice(0, -1), altered] };
  });

const REFUSALS: readonly [about: string, refusal: (call: SyncCall) => Refusal, also: Breaks | readonly []][] = [
  ["with internal", () => new Refusal("internal", "internal error"), []],
  ["with not_found", () => new Refusal("not_found", "no such inbox"), []],
  [
    "as a wrong epoch",
    ({ inbox }) => refuse(Reason.EPOCH_MISMATCH, "epoch", inbox.state()),
    ["EPOCH-UNCHECKED", "EPOCH-MISMATCH"],
  ],
  ["as ahead", ({ inbox }) => refuse(Reason.CLI_SEQ_AHEAD, "ahead", inbox.state()), ["ACK-UNFETCHED", "ACK-AHEAD"]],
  ["for its credential", () => refuse(Reason.CREDENTIAL_INVALID, "unknown"), ["AUTH-REVOKED"]],
];

/** Effects on a Sync. */
export const syncEffects: readonly EffectFamily[] = [
  responding("lost", "the first message of a page is left out", ["SYNC-RANGE"], ({ messages }) =>
    messages.length < 2 ? undefined : { messages: messages.slice(1) },
  ),
  responding("lost", "a message in the middle of a page is left out", ["SYNC-RANGE"], ({ messages }) =>
    messages.length < 3 ? undefined : { messages: messages.filter((_, at) => at !== messages.length >> 1) },
  ),
  responding("lost", "a page has no messages, though some are pending", ["PAGE-PROGRESS"], ({ messages, ackedSeq }) =>
    messages.length === 0 ? undefined : { messages: [], nextCliSeq: ackedSeq },
  ),
  responding("doubled", "the last message of a page is there twice", ["SYNC-RANGE"], ({ messages }) =>
    messages.length === 0 ? undefined : { messages: [...messages, ...messages.slice(-1)] },
  ),
  responding("reordered", "the two last messages of a page change places", ["SYNC-RANGE"], ({ messages }) =>
    messages.length < 2 ? undefined : { messages: [...messages.slice(0, -2), ...messages.slice(-2).reverse()] },
  ),
  (draw) => {
    const { about, change } = payloadAlteration(draw);
    return delivering(
      "altered",
      `the last payload of a page ${about}`,
      ["SEND-BYTES", "SEQ-IMMUTABLE", "PAGE-REPEAT"],
      ({ payload }) => {
        const changed = change(payload);
        return isEqual(payload, changed) ? undefined : { payload: changed };
      },
    )(draw);
  },
  (draw) => {
    const { about, change } = idAlteration(draw);
    return delivering(
      "altered",
      `the last client_message_id of a page ${about}`,
      ["SEND-BYTES", "SEQ-IMMUTABLE", "PAGE-REPEAT"],
      (it) => {
        const changed = change(it.clientMessageId);
        return changed === it.clientMessageId ? undefined : { clientMessageId: changed };
      },
    )(draw);
  },
  delivering(
    "altered",
    "the last accepted_at of a page is a second later",
    ["SEND-ACCEPTED-AT", "SEQ-IMMUTABLE", "PAGE-REPEAT"],
    ({ acceptedAt }) => acceptedAt && { acceptedAt: timestampFromMs(timestampMs(acceptedAt) + 1000) },
  ),
  delivering(
    "misattributed",
    "the last sender_id of a page is that of another account",
    ["AUTH-SENDER"],
    (_, { stranger }) => stranger && { senderId: stranger.userId },
  ),
  delivering(
    "misattributed",
    "the last sender_id of a page is that of its reader",
    ["AUTH-SENDER"],
    ({ senderId }, { caller }) =>
      senderId === caller.account.userId ? undefined : { senderId: caller.account.userId },
  ),
  responding(
    "misattributed",
    "the first pending message of another account is delivered too",
    ["AUTH-ISOLATION", "SYNC-RANGE"],
    ({ messages }, { stranger }) => {
      const [foreign] = stranger?.inbox.pending.values() ?? [];
      return foreign && { messages: [...messages, foreign] };
    },
  ),
  responding(
    "wrong number",
    "svr_seq is one too low",
    ["SEND-VISIBLE", "SEQ-MONOTONE", "SYNC-LINEARIZABLE", "SEQ-CONTIGUOUS", "SYNC-RANGE"],
    ({ svrSeq }) => (svrSeq === 0 ? undefined : { svrSeq: svrSeq - 1 }),
  ),
  responding(
    "wrong number",
    "svr_seq is one too high",
    ["SEQ-CONTIGUOUS", "SEQ-CONSECUTIVE", "SEQ-MONOTONE", "SYNC-LINEARIZABLE"],
    ({ svrSeq }) => (svrSeq === 0xffff_ffff ? undefined : { svrSeq: svrSeq + 1 }),
  ),
  responding(
    "wrong number",
    "next_cli_seq is svr_seq, though more is pending",
    ["SYNC-NEXT"],
    ({ svrSeq, nextCliSeq }) => (nextCliSeq === svrSeq ? undefined : { nextCliSeq: svrSeq }),
  ),
  responding("wrong number", "next_cli_seq is one too low", ["SYNC-NEXT"], ({ nextCliSeq }) =>
    nextCliSeq === 0 ? undefined : { nextCliSeq: nextCliSeq - 1 },
  ),
  responding(
    "wrong number",
    "acked_seq is the cli_seq of the request, though more is acknowledged",
    ["SYNC-BASE", "DEV-LAGGING"],
    ({ ackedSeq }, { request }) => (ackedSeq === request.cliSeq ? undefined : { ackedSeq: request.cliSeq }),
  ),
  responding("wrong number", "acked_seq is one too low", ["SYNC-BASE"], ({ ackedSeq }) =>
    ackedSeq === 0 ? undefined : { ackedSeq: ackedSeq - 1 },
  ),
  responding("altered", "the epoch is another one", ["EPOCH-STABLE", "EPOCH-PRESENT"], ({ epoch }) => ({
    epoch: `${epoch}x`.slice(-64),
  })),
  () =>
    sync(
      "lost",
      "an ack is told, but not kept",
      ["ACK-IMPLICIT", "ACK-NO-REDELIVERY", "SYNC-BASE", "ACK-MONOTONE"],
      ({ inbox, request, real, log, traffic }) => {
        const { cliSeq } = request;
        if (cliSeq <= inbox.ackedSeq || inbox.svrSeq > cliSeq) return real();
        // Nothing is pending after such an ack, so the rest of the response is easy to make.
        const { epoch, svrSeq } = inbox;
        traffic.fire(log, (later, it) => it.epoch === epoch && it.ackedSeq < cliSeq && later.cliSeq < cliSeq);
        return create(SyncResponseSchema, { epoch, svrSeq, ackedSeq: cliSeq, messages: [], nextCliSeq: cliSeq });
      },
    ),
  () =>
    sync(
      "lost",
      "what is delivered is acknowledged",
      ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER", "SYNC-BASE"],
      ({ inbox, real, log, traffic }) => {
        const response = real();
        const { epoch, nextCliSeq, messages } = response;
        if (messages.length === 0) return response;
        inbox.ackTo(nextCliSeq);
        traffic.fire(log, ({ cliSeq }, it) => it.epoch === epoch && cliSeq < nextCliSeq);
        return response;
      },
    ),
  () =>
    sync("late", "a Sync waits up to 20 s for a message", ["SYNC-EMPTY"], async ({ inbox, real, traffic }) => {
      const response = real();
      if (response.messages.length > 0) return response;
      traffic.fireAndShow();
      const until = Date.now() + 20_000;
      while (Date.now() < until && inbox.svrSeq === response.svrSeq && inbox.epoch === response.epoch)
        await new Promise((resolve) => setTimeout(resolve, 20).unref());
      return real();
    }),
  (draw) => {
    const [about, refusal, also] = draw.pick(REFUSALS);
    return sync("wrong code", `a Sync is refused ${about}`, ["SYNC-ANSWER", ...also], (call) => {
      call.traffic.fireAndShow();
      throw refusal(call);
    });
  },
];
