import { create } from "@bufbuild/protobuf";
import { type CaseResult, CaseResultSchema, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import { TAKES_LONG } from "../findings.js";
import type { Case } from "../harness/case.js";
import type { Codec } from "../rpc/connect.js";
import { type CaseRun, profileOf, unavailableReason } from "./run-case.js";

/** Why a case is not run, and what that makes of it. */
export interface SkipReason {
  outcome: Outcome;
  reason: string;
}

/** Each case in each codec, or in the one that it is about, or where only the number of messages matters in the first. */
export function caseRuns(cases: readonly Case[], codecs: readonly Codec[]): CaseRun[] {
  return cases.flatMap((it) => {
    if (it.codec !== undefined || it.undeclared !== undefined)
      return [{ id: it.id, case: it, codec: it.codec ?? "proto" }];
    return (it.bulk ? codecs.slice(0, 1) : codecs).map(
      (codec): CaseRun => ({ id: codec === "proto" ? it.id : `${it.id} (${codec})`, case: it, codec }),
    );
  });
}

/** All jobs that there can be: of one codec too, where the cases that run once run in that. */
export const allCaseRuns = (cases: readonly Case[]): CaseRun[] => {
  const jobs = [...caseRuns(cases, ["proto", "json"]), ...caseRuns(cases, ["json"])];
  return [...new Map(jobs.map((job) => [job.id, job])).values()];
};

/** How many cases a way to get accounts leaves open, by reason. */
export function inconclusiveByReason(
  jobs: readonly CaseRun[],
  source: AccountSource,
  info: GetServerInfoResponse,
): Map<string, number> {
  const open = new Map<string, number>();
  for (const job of jobs) {
    const why = notApplicable(job.case, info) === undefined ? unavailableReason(job.case, source) : undefined;
    if (why !== undefined) open.set(why, (open.get(why) ?? 0) + 1);
  }
  return open;
}

/** Why a case is not to be run on this server; undefined if it is. */
export function skipReason(
  { case: it }: CaseRun,
  info: GetServerInfoResponse,
  { slow, restart }: { slow?: boolean | undefined; restart?: unknown },
): SkipReason | undefined {
  const alien = notApplicable(it, info);
  if (alien !== undefined) return alien;
  if (it.needs?.restart && restart === undefined) return noRestart(info);
  if (it.slow && !slow) return { outcome: Outcome.INCONCLUSIVE, reason: TAKES_LONG };
  return undefined;
}

/** A crash is not to be had without being told how; only for a server that says it survives one, that leaves a promise unchecked. */
function noRestart({ profiles }: GetServerInfoResponse): SkipReason {
  const durable = profiles.includes(Profile.DURABLE);
  return {
    outcome: durable ? Outcome.INCONCLUSIVE : Outcome.NOT_APPLICABLE,
    reason: "what a crash leaves is only checked with --restart-command",
  };
}

function notApplicable(it: Case, { profiles }: GetServerInfoResponse): SkipReason | undefined {
  // CORE is what every server has to keep: one that does not declare it is not spared, it breaks INFO-CORE.
  const declares = (name: string) => name === "CORE" || profiles.includes(Profile[name as keyof typeof Profile]);
  const none = (reason: string) => ({ outcome: Outcome.NOT_APPLICABLE, reason });
  if (it.undeclared !== undefined) {
    return declares(it.undeclared)
      ? none(`the server declares ${it.undeclared}; this is about servers that do not`)
      : undefined;
  }
  const missing = it.requirements
    .map((id) => profileOf({ ...it, requirements: [id] }))
    .find((profile) => !declares(profile));
  return missing === undefined ? undefined : none(`the server does not declare the profile ${missing}`);
}

/** The result of a case that was not run. */
export function skipped(job: CaseRun, { outcome, reason }: SkipReason): CaseResult {
  const { title, requirements } = job.case;
  return create(CaseResultSchema, {
    id: job.id,
    title,
    requirements: [...requirements],
    profile: profileOf(job.case),
    outcome,
    reason,
  });
}
