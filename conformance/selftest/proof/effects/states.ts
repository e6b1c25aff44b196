import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import type { CrashCall, Effect, EffectFamily, EffectKind } from "../effect.js";
import { isEqual, payloadAlteration } from "./alterations.js";

/** Effects on calls with a revoked token. */
export const revokedEffects: readonly EffectFamily[] = [
  () => ({
    kind: "wrong code",
    about: "a call with a revoked token is served",
    breaks: ["AUTH-REVOKED"],
    target: "revoked",
    refusal: undefined,
  }),
  () => ({
    kind: "wrong code",
    about: "a call with a revoked token is refused with not_found",
    breaks: ["AUTH-REVOKED", "AUTH-REQUIRED", "ERR-CODE"],
    target: "revoked",
    refusal: new Refusal("not_found", "revoked", refuse(Reason.CREDENTIAL_INVALID, "").detail),
  }),
];

/** Effects on a data loss with a new epoch. */
export const rotationEffects: readonly EffectFamily[] = [
  () => ({
    kind: "wrong code",
    about: "the epoch stays the same after a data loss",
    breaks: ["EPOCH-RENEWED", "SEQ-MONOTONE"],
    target: "rotation",
    apply: ({ inbox, real, log, traffic }) => {
      const { epoch, svrSeq } = inbox;
      real();
      if (svrSeq === 0) return;
      inbox.epoch = epoch;
      traffic.fire(log, () => true);
    },
  }),
  () => ({
    kind: "doubled",
    about: "an epoch that the inbox had before comes back",
    breaks: ["EPOCH-RENEWED"],
    target: "rotation",
    apply: ({ inbox, real, log, traffic, epochs }) => {
      real();
      const [first] = epochs;
      if (first === undefined || epochs.length < 2) return;
      inbox.epoch = first;
      traffic.fire(log, () => true);
    },
  }),
  () => ({
    kind: "wrong number",
    about: "the numbering goes on under the new epoch",
    breaks: ["EPOCH-RESTART"],
    target: "rotation",
    apply: ({ inbox, real, log, traffic }) => {
      const { svrSeq } = inbox;
      real();
      if (svrSeq === 0) return;
      inbox.svrSeq = svrSeq;
      inbox.ackedSeq = svrSeq;
      traffic.fire(log, () => true);
    },
  }),
  () => ({
    kind: "lost",
    about: "the Watches are not told of a new epoch, and of nothing later",
    breaks: ["WATCH-EPOCH"],
    target: "rotation",
    apply: ({ account, real, traffic }) => {
      const watchers = [...account.watchers];
      account.watchers.clear();
      real();
      if (watchers.length > 0) traffic.fireAndShow();
    },
  }),
];

const crash = (kind: EffectKind, about: string, breaks: Effect["breaks"], apply: (call: CrashCall) => void) =>
  ({ kind, about, breaks, target: "crash", apply }) as const;

/** Effects of a crash on a pending message. */
export const crashEffects: readonly EffectFamily[] = [
  () =>
    crash("lost", "a message is lost", ["DUR-NEW-EPOCH", "DUR-KEEP"], ({ inbox, message, log, traffic }) => {
      inbox.pending.delete(message.seq);
      const { epoch } = inbox;
      traffic.fire(log, (_, it) => it.epoch === epoch && it.nextCliSeq >= message.seq);
    }),
  (draw) => {
    const { about, change } = payloadAlteration(draw);
    return crash("altered", `the payload ${about}`, ["DUR-NEW-EPOCH", "DUR-KEEP"], ({ message, log, traffic }) => {
      const before = message.payload;
      message.payload = change(before);
      if (!isEqual(before, message.payload)) traffic.fire(log, (_, { messages }) => messages.includes(message));
    });
  },
  () =>
    crash(
      "misattributed",
      "sender_id is that of another account",
      ["DUR-NEW-EPOCH", "DUR-KEEP", "AUTH-SENDER"],
      (call) => {
        const { message, stranger, log, traffic } = call;
        if (stranger === undefined || stranger.userId === message.senderId) return;
        message.senderId = stranger.userId;
        traffic.fire(log, (_, { messages }) => messages.includes(message));
      },
    ),
  () =>
    crash(
      "doubled",
      "a message is stored again",
      ["SEQ-CONSECUTIVE", "SEND-RETRY", "DUR-NEW-EPOCH"],
      ({ inbox, message, log, traffic }) => {
        const { senderId, clientMessageId, payload, acceptedAt } = message;
        const { seq } = inbox.append({ senderId, clientMessageId, payload, ...(acceptedAt && { acceptedAt }) });
        const { epoch } = inbox;
        traffic.fire(log, (_, it) => it.epoch === epoch && it.svrSeq >= seq);
      },
    ),
];
