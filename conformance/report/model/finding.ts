import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { type CaseResult, type Finding, Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { difference, type Part } from "./difference.js";
import { evidenceOf } from "./evidence.js";
import { OUTCOMES } from "./outcomes.js";
import { requirementOf, specLink } from "./requirement.js";
import { type SequenceStep, sequenceOf } from "./sequence.js";

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
  /** The calls and responses that show the violation, as steps of a sequence diagram. */
  steps: SequenceStep[];
  /** Number of earlier steps that were left out. */
  omittedSteps: number;
}

export interface ViewOptions {
  /** The history of the case. Default: none. */
  history?: readonly Event[] | undefined;
  /** Base URL of the specification's chapters. Default "docs/spec/". */
  spec?: string | undefined;
}

/** Maximum number of steps of a diagram: the last ones. */
const MAX_STEPS = 20;

/** Prepares a finding, of the judge or of a report, to be shown in any format. */
export function viewFinding(finding: Finding, { history = [], spec }: ViewOptions = {}): FindingView {
  const { requirement, message, expected, actual } = finding;
  const { level, sentence } = requirementOf(requirement);
  const steps = sequenceOf(evidenceOf(finding, history), history);
  return {
    requirement,
    level,
    outcome: level === "MUST" ? Outcome.FAIL : Outcome.WARN,
    sentence,
    link: specLink(requirement, spec),
    message,
    ...difference(expected, actual),
    steps: steps.slice(-MAX_STEPS),
    omittedSteps: Math.max(steps.length - MAX_STEPS, 0),
  };
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
