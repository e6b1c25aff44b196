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
import { TextFileError } from "../text-file.js";
import { REPORT_FORMAT, VERSION } from "../version.js";
import { caseIdOf } from "./case-run.js";
import { outcomeOfFindings } from "./outcome.js";
import { SHOWN_EVENTS } from "./run-case.js";
import { summarize } from "./summarize.js";

/** Maximum number of histories that are judged at once. */
const MAX_HISTORIES = 100_000;
/** Maximum number of findings of a history, as in a run. */
const MAX_FINDINGS = 300;
/** Maximum number of damaged parts that are described. */
const MAX_DAMAGE = 10;
/** Maximum length of the name of a history, in characters. */
const MAX_NAME = 200;

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
export async function* rejudge(file: string | AsyncIterable<Uint8Array>): AsyncGenerator<JudgedHistory | DamagedPart> {
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

/** Histories to judge. */
export interface HistorySource {
  /** Name of the file, for messages. */
  name: string;
  /** Name of the file, or its content. */
  content: string | AsyncIterable<Uint8Array>;
}

/** A damaged part, and the name of its file. */
export interface DamagedFile extends DamagedPart {
  file: string;
}

/** Recorded histories, judged again. */
export interface JudgedHistories {
  /** Each history is a case. */
  report: Report;
  /** Number of events of all histories. */
  events: number;
  /** The first parts that cannot be read. */
  damage: DamagedFile[];
  /** Number of all such parts. */
  damaged: number;
}

/**
 * Makes a report of recorded histories. A damaged file makes the verdict inconclusive, unless the readable part shows a
 * violation. `onError` makes the error to throw if a file cannot be read.
 */
export async function reportOnHistories(
  sources: readonly HistorySource[],
  onError: (name: string, error: unknown) => Error,
): Promise<JudgedHistories> {
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: VERSION,
    accounts: `recorded in ${sources.map(({ name }) => name).join(", ")}`,
  });
  const judged: JudgedHistories = { report, events: 0, damage: [], damaged: 0 };
  const names = new Map<string, number>();
  for (const { name, content } of sources) {
    try {
      for await (const part of rejudge(content)) {
        if (part.kind === "damage") {
          judged.damaged += 1;
          if (judged.damage.length < MAX_DAMAGE) judged.damage.push({ ...part, file: name });
          continue;
        }
        setHeader(report, part.header);
        judged.events += part.eventCount;
        report.cases.push(resultOf(part, uniqueId(part.header.name, names)));
        if (report.cases.length >= MAX_HISTORIES)
          throw new TextFileError(`has more than ${MAX_HISTORIES} histories, which is the maximum`);
      }
    } catch (error) {
      throw onError(name, error);
    }
  }
  summarize(report, {
    reason: "the histories do not exercise it, or it needs the expectations of a case",
    reasonCode: ReasonCode.NOTHING_TO_JUDGE,
  });
  const [first] = judged.damage;
  if (first !== undefined) {
    report.headline = `The history is damaged; only its readable part was judged: ${first.file}, line ${first.line}: ${first.problem}.`;
    if (report.verdict !== Outcome.FAIL) report.verdict = Outcome.INCONCLUSIVE;
  }
  return judged;
}

/** Returns an id for the case of a history: the name of the history, with a number if it is not the first of this name. */
function uniqueId(name: string, names: Map<string, number>): string {
  const id = name.slice(0, MAX_NAME) || "history";
  const count = (names.get(id) ?? 0) + 1;
  names.set(id, count);
  return count === 1 ? id : `${id} #${count}`;
}

function setHeader(report: Report, { specVersion, implementation, profiles, seed, startedAt }: Header): void {
  Object.assign(report, { specVersion, implementation, seed });
  report.profiles = profiles.map((profile) => Profile[profile] ?? String(profile));
  if (startedAt !== undefined) report.startedAt ??= startedAt;
}

function resultOf({ header, events, findings: all, exercised }: JudgedHistory, id: string): CaseResult {
  const findings = all.slice(0, MAX_FINDINGS);
  const isEmpty = findings.length === 0 && exercised.length === 0;
  return create(CaseResultSchema, {
    id,
    title: CATALOGUE.find(({ id }) => id === caseIdOf(header.name))?.title ?? "A recorded history",
    requirements: exercised,
    profile: profileOf(exercised),
    outcome: isEmpty ? Outcome.INCONCLUSIVE : outcomeOfFindings(findings),
    reason: isEmpty ? "nothing in this history can be judged without the expectations of the case" : "",
    reasonCode: isEmpty ? ReasonCode.NOTHING_TO_JUDGE : ReasonCode.UNSPECIFIED,
    findings,
    history: findings.length === 0 ? [] : events,
  });
}

const profileOf = ([first]: readonly RequirementId[]) => (first === undefined ? "CORE" : REQUIREMENTS[first].profile);
