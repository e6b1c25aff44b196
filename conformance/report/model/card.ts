import type { Exchange, Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type CurlCommand, curlCommands } from "./curl.js";
import { evidenceOf } from "./evidence.js";
import { type FindingView, viewFinding } from "./finding.js";
import { groupByRequirement, type RequirementGroup } from "./grouping.js";

/** A violated requirement with the finding that shows it best. */
export interface Card extends FindingView {
  /** The case that made the finding. */
  caseId: string;
  /** Title of that case. */
  title: string;
  /** The last HTTP exchanges of the case. */
  exchanges: Exchange[];
  /** Command that runs the case again. */
  reproduce: string;
  /** Commands that repeat the unary calls of the diagram. */
  curl: CurlCommand[];
  /** Reason why the failures are known, if all of them are: they then do not fail the build. Otherwise empty. */
  knownFailure: string;
  /** The other cases that blame the requirement. */
  otherCases: string[];
}

export interface CardOptions {
  /** Base URL of the specification's chapters. Default "docs/spec/". */
  spec?: string | undefined;
}

/** Makes a card for each violated requirement, root cause first. */
export function cardsOf(report: Report, { spec }: CardOptions = {}): Card[] {
  return groupByRequirement(report.cases).flatMap((group) => cardOf(group, report, spec) ?? []);
}

function cardOf({ findings }: RequirementGroup, report: Report, spec: string | undefined): Card | undefined {
  const [best, ...rest] = findings;
  if (best === undefined) return undefined;
  const { case: it, finding } = best;
  return {
    ...viewFinding(finding, { history: it.history, spec }),
    caseId: it.id,
    title: it.title,
    exchanges: it.exchanges,
    reproduce: it.reproduce,
    curl: curlCommands(evidenceOf(finding, it.history), report),
    knownFailure: knownFailureOf(findings),
    otherCases: [...new Set(rest.map((other) => other.case.id))].filter((id) => id !== it.id),
  };
}

function knownFailureOf(findings: RequirementGroup["findings"]): string {
  const reasons = new Set(findings.map(({ case: it }) => it.knownFailure));
  return reasons.has("") ? "" : [...reasons].join("; ");
}
