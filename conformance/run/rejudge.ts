import { create } from "@bufbuild/protobuf";
import type { Event, Header } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  FindingSchema,
  Outcome,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { readHistory } from "../history/file.js";
import { Judge } from "../judge/judge.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { caseOf } from "./known-failures.js";
import { summarize } from "./summarize.js";

/** How many events of its history a failed case shows. */
const SHOWN_EVENTS = 400;

/**
 * A report on recorded histories, each of which is a case in it: judged anew, by all that can be seen on the wire. What a case
 * expected beyond that is not in a history. Rejects if the file cannot be read; what is damaged in it leaves the verdict open.
 */
export async function rejudge(file: string): Promise<Report> {
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    accounts: `recorded in ${file}`,
  });
  let current: { header: Header; judge: Judge; events: Event[] } | undefined;
  let damage = "";
  const end = () => {
    if (current !== undefined) report.cases.push(resultOf(current, report.cases.length + 1));
    current = undefined;
  };
  for await (const line of readHistory(file)) {
    if ("problem" in line) {
      damage ||= `${file}, line ${line.number}: ${line.problem}`;
      continue;
    }
    const { body: what } = line.event;
    if (what.case === "header") {
      end();
      current = { header: what.value, judge: new Judge(), events: [] };
      describe(report, what.value);
    }
    current?.judge.observe(line.event);
    current?.events.push(line.event);
  }
  end();
  summarize(report);
  if (damage !== "" && report.verdict !== Outcome.FAIL) {
    report.headline = `The history is damaged, and only what is whole was judged: ${damage}`;
    report.verdict = Outcome.INCONCLUSIVE;
  }
  return report;
}

function describe(report: Report, { specVersion, implementation, profiles, seed, startedAt }: Header): void {
  Object.assign(report, { specVersion, implementation, seed });
  report.profiles = profiles.map((profile) => Profile[profile] ?? String(profile));
  if (startedAt !== undefined) report.startedAt ??= startedAt;
}

function resultOf(
  { header, judge, events }: { header: Header; judge: Judge; events: Event[] },
  number: number,
): CaseResult {
  const findings = judge.finish();
  const checked = [...judge.applied].filter(([, times]) => times > 0).map(([rule]) => rule);
  const broken = findings.some(({ requirement }) => REQUIREMENTS[requirement].level === "MUST");
  const passed = checked.length > 0 ? Outcome.PASS : Outcome.INCONCLUSIVE;
  const outcome = findings.length === 0 ? passed : broken ? Outcome.FAIL : Outcome.WARN;
  return create(CaseResultSchema, {
    id: header.name || `history/${number}`,
    title: CATALOGUE.find(({ id }) => id === caseOf(header.name))?.title ?? "A recorded history",
    requirements: checked,
    profile: profileOfRules(checked),
    outcome,
    reason: outcome === Outcome.INCONCLUSIVE ? "nothing in this history can be judged without the case" : "",
    findings: findings.map((finding) =>
      create(FindingSchema, { ...finding, evidence: [...finding.evidence], byJudge: true }),
    ),
    history: findings.length === 0 ? [] : events.slice(-SHOWN_EVENTS),
  });
}

const profileOfRules = ([first]: readonly RequirementId[]) =>
  first === undefined ? "CORE" : REQUIREMENTS[first].profile;
