import { create } from "@bufbuild/protobuf";
import type { Event, Header } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  Outcome,
  ReasonCode,
  type Report,
  ReportSchema,
} from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import type { Finding } from "../findings.js";
import { readHistory } from "../history/file.js";
import { Judge } from "../judge/judge.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { caseIdOf } from "./case-run.js";
import { SHOWN_EVENTS } from "./run-case.js";
import { summarize } from "./summarize.js";

/** A recorded history with the judge's findings. */
export interface JudgedHistory {
  kind: "history";
  header: Header;
  /** The last events. */
  events: Event[];
  /** Number of all events. */
  eventCount: number;
  findings: Finding[];
  /** Requirements that the history exercises: the judge would have found violations of them. */
  exercised: RequirementId[];
}

/** A part of a history file that cannot be read. */
export interface DamagedPart {
  kind: "damage";
  /** Number of the first damaged line, from 1. */
  line: number;
  problem: string;
}

/**
 * Judges the recorded histories of a file, one by one. A history does not contain the expectations of the cases, so
 * these are not checked. Rejects with the error of the file system if the file cannot be read.
 */
export async function* rejudge(file: string): AsyncGenerator<JudgedHistory | DamagedPart> {
  let current: { header: Header; judge: Judge; events: Event[]; eventCount: number } | undefined;
  const finish = (): JudgedHistory[] => {
    if (current === undefined) return [];
    const { judge, events, ...rest } = current;
    current = undefined;
    const findings = judge.finish();
    const exercised = [...judge.exercised].filter(([, times]) => times > 0).map(([requirement]) => requirement);
    return [{ kind: "history", ...rest, events: events.slice(-SHOWN_EVENTS), findings, exercised }];
  };
  for await (const line of readHistory(file)) {
    if ("problem" in line) {
      yield { kind: "damage", line: line.number, problem: line.problem };
      continue;
    }
    const { event } = line;
    if (event.body.case === "header") {
      yield* finish();
      current = { header: event.body.value, judge: new Judge(), events: [], eventCount: 0 };
    }
    if (current === undefined) continue;
    current.judge.observe(event);
    current.eventCount += 1;
    current.events.push(event);
    // A history may be larger than the memory.
    if (current.events.length >= 2 * SHOWN_EVENTS) current.events.splice(0, SHOWN_EVENTS);
  }
  yield* finish();
}

/**
 * Makes a report of the recorded histories of a file: each history is a case. A damaged file makes the verdict
 * inconclusive, unless the readable part shows a violation. Rejects with the error of the file system if the file
 * cannot be read.
 */
export async function reportOnHistories(file: string): Promise<Report> {
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    accounts: `recorded in ${file}`,
  });
  let damage: DamagedPart | undefined;
  for await (const part of rejudge(file)) {
    if (part.kind === "damage") damage ??= part;
    else {
      setHeader(report, part.header);
      report.cases.push(resultOf(part, report.cases.length + 1));
    }
  }
  summarize(report);
  if (damage !== undefined && report.verdict !== Outcome.FAIL) {
    report.headline = `The history is damaged; only its readable part was judged: ${file}, line ${damage.line}: ${damage.problem}`;
    report.verdict = Outcome.INCONCLUSIVE;
  }
  return report;
}

function setHeader(report: Report, { specVersion, implementation, profiles, seed, startedAt }: Header): void {
  Object.assign(report, { specVersion, implementation, seed });
  report.profiles = profiles.map((profile) => Profile[profile] ?? String(profile));
  if (startedAt !== undefined) report.startedAt ??= startedAt;
}

function resultOf({ header, events, findings, exercised }: JudgedHistory, number: number): CaseResult {
  const isFailure = findings.some(({ requirement }) => REQUIREMENTS[requirement].level === "MUST");
  const isEmpty = findings.length === 0 && exercised.length === 0;
  const outcome = findings.length === 0 ? Outcome.PASS : isFailure ? Outcome.FAIL : Outcome.WARN;
  return create(CaseResultSchema, {
    id: header.name || `history/${number}`,
    title: CATALOGUE.find(({ id }) => id === caseIdOf(header.name))?.title ?? "A recorded history",
    requirements: exercised,
    profile: profileOf(exercised),
    outcome: isEmpty ? Outcome.INCONCLUSIVE : outcome,
    reason: isEmpty ? "nothing in this history can be judged without the expectations of the case" : "",
    reasonCode: isEmpty ? ReasonCode.NOTHING_TO_JUDGE : ReasonCode.UNSPECIFIED,
    findings,
    history: findings.length === 0 ? [] : events,
  });
}

const profileOf = ([first]: readonly RequirementId[]) => (first === undefined ? "CORE" : REQUIREMENTS[first].profile);
