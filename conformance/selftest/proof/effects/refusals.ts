import { create } from "@bufbuild/protobuf";
import { ErrorDetailSchema, Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal } from "../../../../reference-server/errors.js";
import type { RequirementId } from "../../../requirements/requirements.js";
import { findRecord } from "../../mutants/send/shared.js";
import type { Draw } from "../condition.js";
import type { Effect, EffectFamily, EffectKind, RefusedCall } from "../effect.js";

/** The requirement that states each refusal. */
const REASONS = [
  ["CLIENT_MESSAGE_ID_INVALID", "SEND-ID-LIMIT"],
  ["PAYLOAD_TOO_LARGE", "SEND-PAYLOAD-LIMIT"],
  ["RECIPIENT_UNKNOWN", "SEND-RECIPIENT"],
  ["CLIENT_MESSAGE_ID_REUSED", "SEND-ID-REUSED"],
  ["EPOCH_MISMATCH", "EPOCH-MISMATCH"],
  ["CLI_SEQ_AHEAD", "ACK-AHEAD"],
] as const satisfies readonly (readonly [keyof typeof Reason, RequirementId])[];
type ReasonName = (typeof REASONS)[number][0];

/** An effect on the refusals for one reason. `apply` throws, or returns what a Send or Sync that succeeds would. */
function refusing(
  kind: EffectKind,
  about: string,
  breaks: Effect["breaks"],
  reasons: readonly ReasonName[],
  apply: (call: RefusedCall) => ReturnType<Extract<Effect, { target: "refusal" }>["apply"]>,
): Effect {
  return {
    kind,
    about,
    breaks,
    target: "refusal",
    apply: (call) => {
      const { detail } = call.refusal;
      if (detail === undefined || !reasons.some((name) => Reason[name] === detail.reason)) throw call.refusal;
      return apply(call);
    },
  };
}

const pickReason = (draw: Draw) => draw.pick(REASONS);

/** Effects on Sends and Syncs that are refused. */
export const refusalEffects: readonly EffectFamily[] = [
  (draw) => {
    const [reason, requirement] = pickReason(draw);
    const code = draw.pick(["internal", "unimplemented"] as const);
    return refusing(
      "wrong code",
      `a refusal with ${reason} has the code ${code}`,
      ["ERR-CODE", requirement],
      [reason],
      (call) => {
        call.traffic.fireAndShow();
        throw new Refusal(code, call.refusal.message, call.refusal.detail);
      },
    );
  },
  (draw) => {
    const [reason, requirement] = pickReason(draw);
    return refusing("lost", `a refusal with ${reason} has no detail`, ["ERR-REASON", requirement], [reason], (call) => {
      call.traffic.fireAndShow();
      throw new Refusal(call.refusal.code, call.refusal.message);
    });
  },
  (draw) => {
    const [reason, requirement] = draw.pick(REASONS.slice(4));
    return refusing(
      "wrong number",
      `svr_seq of a refusal with ${reason} is one too high`,
      [requirement as RequirementId],
      [reason as ReasonName],
      (call) => {
        const { inbox, traffic, refusal } = call;
        traffic.fireAndShow();
        const { svrSeq, epoch } = inbox.state();
        const detail = create(ErrorDetailSchema, { reason: Reason[reason], svrSeq: (svrSeq + 1) >>> 0, epoch });
        throw new Refusal(refusal.code, refusal.message, detail);
      },
    );
  },
  () =>
    refusing(
      "lost",
      "a refused Sync acknowledges",
      ["ACK-FAILED", "ERR-UNCHANGED"],
      ["EPOCH_MISMATCH", "CLI_SEQ_AHEAD"],
      (call) => {
        const { inbox, sync, log, traffic, refusal } = call;
        const before = inbox.ackedSeq;
        const { epoch } = inbox;
        inbox.ackTo(sync?.cliSeq ?? 0);
        const after = inbox.ackedSeq;
        if (after > before) traffic.fire(log, (later, it) => it.epoch === epoch && later.cliSeq < after);
        throw refusal;
      },
    ),
  () =>
    refusing(
      "wrong number",
      "a refused Send uses up a seq",
      ["ERR-UNCHANGED", "SEQ-CONSECUTIVE"],
      ["CLIENT_MESSAGE_ID_INVALID", "PAYLOAD_TOO_LARGE", "CLIENT_MESSAGE_ID_REUSED"],
      (call) => {
        const { inbox, send, service, log, traffic, refusal } = call;
        if (service.accounts.get(send?.recipientId ?? "") === undefined) throw refusal;
        inbox.skipSeq();
        const { svrSeq, epoch } = inbox;
        traffic.fire(log, (_, it) => it.epoch === epoch && it.svrSeq >= svrSeq);
        throw refusal;
      },
    ),
  () =>
    refusing("wrong code", "a Sync with a wrong epoch is served", ["EPOCH-MISMATCH"], ["EPOCH_MISMATCH"], (call) => {
      const { inbox, sync, traffic, realSync } = call;
      traffic.fireAndShow();
      return realSync({ epoch: "", cliSeq: Math.min(sync?.cliSeq ?? 0, inbox.svrSeq) });
    }),
  () =>
    refusing(
      "wrong code",
      "a Sync with a cli_seq above svr_seq is served",
      ["ACK-AHEAD"],
      ["CLI_SEQ_AHEAD"],
      (call) => {
        call.traffic.fireAndShow();
        return call.realSync({ cliSeq: call.inbox.svrSeq });
      },
    ),
  () =>
    refusing(
      "wrong code",
      "a Send with a reused id is told that it succeeded",
      ["SEND-ID-REUSED"],
      ["CLIENT_MESSAGE_ID_REUSED"],
      (call) => {
        const { service, caller, send, traffic, refusal } = call;
        const record = findRecord(service, caller, send?.clientMessageId ?? "");
        if (record === undefined) throw refusal;
        traffic.fireAndShow();
        return create(SendResponseSchema, { acceptedAt: record.acceptedAt });
      },
    ),
];
