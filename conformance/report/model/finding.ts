import {
  type CaseAccount,
  type CaseResult,
  type Finding,
  Outcome,
} from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { difference, type Part } from "./difference.js";
import { OUTCOMES } from "./outcomes.js";
import { requirementOf, specLink } from "./requirement.js";
import type { SequenceStep } from "./sequence.js";
import { type Recorded, timelineOf } from "./timeline.js";

/** The parts of a finding that every format shows. */
export interface FindingView {
  requirement: string;
  level: "MUST" | "SHOULD" | "MAY";
  /** `FAIL` for a MUST, otherwise `WARN`. */
  outcome: Outcome;
  /** The sentence of the requirement in the specification. */
  sentence: string;
  /** Link to the requirement in the specification. */
  link: string;
  /** What is wrong, in a sentence. */
  message: string;
  expected: Part[];
  actual: Part[];
  /** The calls and responses that show the violation, as steps of a sequence diagram; notes count the left-out ones. */
  steps: SequenceStep[];
}

export interface ViewOptions {
  /** What the case recorded. Default: nothing but the evidence of the finding. */
  recorded?: Recorded | undefined;
  /** Base URL of the specification's chapters. Default: those of this version in the repository. */
  spec?: string | undefined;
}

/** Prepares a finding, of the judge or of a report, to be shown in any format. */
export function viewFinding(finding: Finding, { recorded = {}, spec }: ViewOptions = {}): FindingView {
  const { requirement } = finding;
  const named = nameAccounts(recorded.accounts ?? []);
  const [message = "", expected = "", actual = ""] = [finding.message, finding.expected, finding.actual].map(named);
  const { level, sentence } = requirementOf(requirement);
  return {
    requirement,
    level,
    outcome: level === "MUST" ? Outcome.FAIL : Outcome.WARN,
    sentence,
    link: specLink(requirement, spec),
    message,
    ...difference(expected, actual),
    steps: timelineOf(finding, recorded).map((step) => ({ ...step, text: named(step.text) })),
  };
}

/** Replaces user ids by the names of the accounts, which the diagram shows too. */
function nameAccounts(accounts: readonly CaseAccount[]): (text: string) => string {
  // Long ids first: one id may begin with another. Short ones could be parts of words.
  const known = accounts.filter(({ userId }) => userId.length >= 6);
  known.sort((a, b) => b.userId.length - a.userId.length);
  return (text) => known.reduce((shown, { userId, name }) => shown.replaceAll(userId, name), text);
}

/** The finding in one line. */
export const findingLine = ({ requirement, message }: Pick<Finding, "requirement" | "message">) =>
  `${requirement}: ${message}`;

/** Explains in one line why a case did not pass: its first finding, or the reason why it has no verdict. */
export function explain({ findings: [first], reason }: Pick<CaseResult, "findings" | "reason">): string {
  return first === undefined ? reason : findingLine(first);
}

/** The outcome of a case without a finding and its reason, such as "inconclusive: the server has no fixtures". */
export const outcomeLine = ({ outcome, reason }: Pick<CaseResult, "outcome" | "reason">) =>
  reason === "" ? OUTCOMES[outcome].word : `${OUTCOMES[outcome].word}: ${reason}`;
