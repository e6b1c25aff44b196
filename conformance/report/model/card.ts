import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Exchange, Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { callerOf, curlOf, type Target } from "./curl.js";
import { difference, type Part } from "./difference.js";
import { evidenceOf } from "./evidence.js";
import { groupByRequirement, type RequirementGroup } from "./grouping.js";
import { requirementOf, specLink } from "./requirement.js";
import { type SequenceStep, sequenceOf } from "./sequence.js";

/** Everything that a reader needs to know of one broken requirement, in no format yet. */
export interface Card {
  requirement: string;
  level: "MUST" | "SHOULD" | "MAY";
  /** The requirement as the specification has it. */
  sentence: string;
  /** Where it stands there. */
  link: string;
  /** The case that shows it best. */
  caseId: string;
  /** What that case does. */
  title: string;
  /** What is wrong, in a sentence. */
  message: string;
  expected: Part[];
  actual: Part[];
  /** The exchanges that prove it, as steps of a sequence diagram. */
  steps: SequenceStep[];
  /** How many steps before them were left out. */
  before: number;
  /** What went over HTTP at the end of the case. */
  exchanges: Exchange[];
  /** Command that runs the case again. */
  reproduce: string;
  /** Commands that make its unary calls again, one by one. */
  curl: { /** Who calls, for people. */ caller: string; command: string }[];
  /** Why it is known and does not fail the build, if all of its cases are; else empty. */
  known: string;
  /** The other cases that blame the same requirement. */
  others: string[];
}

export interface CardOptions {
  /** Base URL of the specification's chapters. Default: "docs/spec/". */
  spec?: string | undefined;
}

/** More steps than these are no proof but a log. */
const MAX_STEPS = 20;
const MAX_COMMANDS = 8;

/** A card for each requirement that is broken, root cause first. */
export function cardsOf(report: Report, { spec }: CardOptions = {}): Card[] {
  return groupByRequirement(report.cases).flatMap((blamed) => cardOf(blamed, report, spec) ?? []);
}

function cardOf({ requirement, found }: RequirementGroup, target: Target, spec: string | undefined): Card | undefined {
  const [best] = found;
  if (best === undefined) return undefined;
  const { case: it, finding } = best;
  const { level, sentence } = requirementOf(requirement);
  const proof = evidenceOf(finding, it);
  const steps = sequenceOf(proof, it.history);
  return {
    requirement,
    level,
    sentence,
    link: specLink(requirement, spec),
    caseId: it.id,
    title: it.title,
    message: finding.message,
    ...difference(finding.expected, finding.actual),
    steps: steps.slice(-MAX_STEPS),
    before: Math.max(steps.length - MAX_STEPS, 0),
    exchanges: it.exchanges,
    reproduce: it.reproduce,
    curl: commandsOf(proof, target),
    known: knownFor(found),
    others: [...new Set(found.slice(1).map((other) => other.case.id))].filter((id) => id !== it.id),
  };
}

function knownFor(found: RequirementGroup["found"]): string {
  const reasons = new Set(found.map(({ case: it }) => it.knownFailure));
  return reasons.has("") ? "" : [...reasons].join("; ");
}

/** The calls of a proof as commands, each once, the last ones if they are many. */
export function commandsOf(events: readonly Event[], target: Target): Card["curl"] {
  const commands = new Map<string, string>();
  for (const event of events) {
    const command = curlOf(event, target);
    if (command !== undefined) commands.set(command, `${event.client}, account ${callerOf(event)}`);
  }
  return [...commands].slice(-MAX_COMMANDS).map(([command, caller]) => ({ caller, command }));
}
