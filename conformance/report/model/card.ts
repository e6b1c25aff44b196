import type { CaseResult, Exchange, Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { caseIdOf } from "../../harness/case.js";
import { curlLines } from "./curl.js";
import { type FindingView, viewFinding } from "./finding.js";
import { groupByRequirement, type RequirementGroup } from "./grouping.js";

/** A violated requirement with the finding that shows it best. */
export interface Card extends FindingView {
  /** The case that made the finding. */
  caseId: string;
  /** Title of that case. */
  title: string;
  /** The HTTP exchanges of the case up to the one that decided. */
  exchanges: Exchange[];
  /** Command that runs the case again. */
  reproduce: string;
  /** Lines for a shell that repeat the calls with curl. */
  curl: string[];
  /** Reason why the failures are known, if all of them are: they then do not fail the build. Otherwise empty. */
  knownFailure: string;
  /** The other cases that blame the requirement. */
  otherCases: string[];
}

export interface CardOptions {
  /** Base URL of the specification's chapters. Default: those of this version in the repository. */
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
    ...viewFinding(finding, { recorded: it, spec }),
    caseId: it.id,
    title: it.title,
    exchanges: upToDeciding(it.exchanges, finding.exchange),
    reproduce: it.reproduce,
    curl: readableCurl(findings, report),
    knownFailure: knownFailureOf(findings),
    otherCases: [...new Set(rest.map((other) => caseIdOf(other.case.id)))].filter((id) => id !== caseIdOf(it.id)),
  };
}

/** The commands of the best finding; in JSON if the case failed there in the same way, because people can read that. */
function readableCurl(findings: RequirementGroup["findings"], report: Report): string[] {
  const [best] = findings;
  if (best === undefined) return [];
  const sibling = findings.find(
    ({ case: it, finding }) => it.id === `${best.case.id} (json)` && finding.message === best.finding.message,
  );
  const { case: it, finding } = sibling ?? best;
  const calls = curlLines(finding, it, report);
  const lines = calls.length === 0 ? [] : [...transferNote(it), ...calls];
  if (sibling === undefined || lines.length === 0) return lines;
  return ["# the same calls in JSON, of the JSON run of the case: its ids differ from those above", ...lines];
}

/** What curl cannot do: it chooses its connections and packets itself. */
const transferNote = ({ varied }: CaseResult) =>
  varied.includes("packets") || varied.includes("connection")
    ? ["# curl chooses connections and packets itself, so these calls may succeed; the command above shows the failure"]
    : [];

/** The exchanges up to the one that decided; all if it is not known. */
function upToDeciding(exchanges: Exchange[], deciding: number): Exchange[] {
  return deciding === 0 ? exchanges : exchanges.filter(({ number }) => number <= deciding);
}

function knownFailureOf(findings: RequirementGroup["findings"]): string {
  const reasons = new Set(findings.map(({ case: it }) => it.knownFailure));
  return reasons.has("") ? "" : [...reasons].join("; ");
}
