import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type CaseResult,
  CaseResultSchema,
  ReasonCode,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Exploration } from "../explore/explore.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { outcomeOfFindings } from "./outcome.js";
import { summarize } from "./summarize.js";
import { withoutUserInfo } from "./target.js";

/** What a report says about an exploration beside its result. */
export interface ExplorationContext {
  /** Base URLs of the target. */
  urls: readonly string[];
  /** What the server reported about itself; undefined if it did not. */
  info: GetServerInfoResponse | undefined;
  seed: number;
  started: Date;
  /** Whether the exploration was stopped. */
  isStopped: boolean;
  /** Command that runs the failing program again. */
  reproduce: string;
}

const ID = "explore/programs";

/**
 * Makes a report of an exploration: its programs together are one case, which checks the requirements that they
 * exercised. An exploration that could not take place has a headline and no case.
 */
export function reportOnExploration(
  exploration: Exploration | { problem: string },
  { urls, info, seed, started, isStopped, reproduce }: ExplorationContext,
): Report {
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    specVersion: info?.specVersion ?? "",
    implementation: info?.implementation ?? "",
    profiles: info?.profiles.map((profile) => Profile[profile] ?? String(profile)) ?? [],
    targets: urls.map(withoutUserInfo),
    seed,
    startedAt: timestampFromDate(started),
    duration: durationFromMs(Date.now() - started.getTime()),
  });
  if ("problem" in exploration) report.headline = exploration.problem;
  else {
    report.cases = [resultOf(exploration, reproduce)];
    if (isStopped && exploration.failure === undefined)
      report.headline = `Incomplete run: it was stopped after ${exploration.programs} programs.`;
  }
  summarize(report, {
    reason: "the programs did not exercise it, or it needs a case of `seqsync check`",
    reasonCode: ReasonCode.NOTHING_TO_JUDGE,
  });
  return report;
}

function resultOf({ programs, operations, exercised, failure }: Exploration, reproduce: string): CaseResult {
  const requirements = [...exercised].filter(([, times]) => times > 0).map(([id]) => id);
  const findings = failure?.findings ?? [];
  return create(CaseResultSchema, {
    id: ID,
    title: `Random programs on a faulty network: ${programs} programs, ${operations} operations`,
    requirements,
    profile: "CORE",
    outcome: outcomeOfFindings(findings),
    findings,
    varied: [...(failure?.varied ?? [])],
    history: [...(failure?.history ?? [])],
    reproduce: failure === undefined ? "" : reproduce,
  });
}
