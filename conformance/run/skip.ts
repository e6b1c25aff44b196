import { create } from "@bufbuild/protobuf";
import {
  type CaseResult,
  CaseResultSchema,
  Outcome,
  ReasonCode,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountRequest, AccountSource } from "../accounts/source.js";
import type { CaseInfo } from "../harness/case.js";
import { type CaseRun, profileOf } from "./case-run.js";

/** Why a case is not run, and the outcome that follows. */
export interface SkipReason {
  outcome: Outcome;
  reason: string;
  reasonCode: ReasonCode;
}

/** Returns why a case is not run on this server; undefined if it is. */
export function skipReason(
  { case: it }: CaseRun,
  info: GetServerInfoResponse,
  { thorough, restart }: { thorough?: boolean | undefined; restart?: unknown },
): SkipReason | undefined {
  const inapplicable = notApplicable(it, info);
  if (inapplicable !== undefined) return inapplicable;
  if (it.needs?.restart && restart === undefined) return noRestartCommand(info);
  if (it.thorough && !thorough) return inconclusive("needs --thorough", ReasonCode.THOROUGH);
  return undefined;
}

/** Returns why these accounts do not suffice for a case; undefined if they do. */
export function unavailableReason(it: CaseInfo, source: AccountSource): SkipReason | undefined {
  const { needs = {} } = it;
  const noFixture = (name: string) =>
    inconclusive(`needs the fixture ${name}, which these accounts do not have`, ReasonCode.NO_FIXTURE);
  if (needs.rotateEpoch && source.rotateEpoch === undefined) return noFixture("RotateEpoch");
  if (needs.revokeToken && source.revokeToken === undefined) return noFixture("RevokeToken");
  if (needs.stepClock && source.stepClock === undefined) return noFixture("StepClock");
  const unavailable = source.unavailableReason(accountRequestOf(it));
  return unavailable === undefined ? undefined : inconclusive(unavailable, ReasonCode.ACCOUNTS);
}

/** The accounts that a case asks for. */
export const accountRequestOf = ({ needs = {} }: CaseInfo): AccountRequest => ({
  count: needs.accounts ?? 2,
  fresh: needs.fresh ?? false,
  startSeq: needs.startSeq ?? 0,
});

/** Counts the cases for which these accounts do not suffice, by reason. */
export function inconclusiveByReason(
  runs: readonly CaseRun[],
  source: AccountSource,
  info: GetServerInfoResponse,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { case: it } of runs) {
    const reason = notApplicable(it, info) === undefined ? unavailableReason(it, source)?.reason : undefined;
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

/** Makes the result of a case that is not run. */
export function skipped(run: CaseRun, reason: SkipReason): CaseResult {
  const { title, requirements } = run.case;
  return create(CaseResultSchema, {
    id: run.id,
    title,
    requirements: [...requirements],
    profile: profileOf(run.case),
    ...reason,
  });
}

/**
 * Without a restart command, the cases are inconclusive only for a DURABLE server: no other server promises to survive
 * a crash.
 */
function noRestartCommand({ profiles }: GetServerInfoResponse): SkipReason {
  return {
    outcome: profiles.includes(Profile.DURABLE) ? Outcome.INCONCLUSIVE : Outcome.NOT_APPLICABLE,
    reason: "needs --restart-command",
    reasonCode: ReasonCode.NO_RESTART_COMMAND,
  };
}

function notApplicable(it: CaseInfo, { profiles }: GetServerInfoResponse): SkipReason | undefined {
  // Every server must implement CORE. A server that does not declare it is checked anyway, and violates INFO-CORE.
  const declares = (name: string) => name === "CORE" || profiles.includes(Profile[name as keyof typeof Profile]);
  const because = (reason: string): SkipReason => ({
    outcome: Outcome.NOT_APPLICABLE,
    reason,
    reasonCode: ReasonCode.PROFILE,
  });
  if (it.undeclared !== undefined) {
    return declares(it.undeclared)
      ? because(`the server declares the profile ${it.undeclared}; the case is about servers that do not declare it`)
      : undefined;
  }
  const missing = it.requirements
    .map((id) => profileOf({ ...it, requirements: [id] }))
    .find((profile) => !declares(profile));
  return missing === undefined ? undefined : because(`the server does not declare the profile ${missing}`);
}

const inconclusive = (reason: string, reasonCode: ReasonCode): SkipReason => ({
  outcome: Outcome.INCONCLUSIVE,
  reason,
  reasonCode,
});
