import { type CaseResult, Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { caseIdOf } from "./case-run.js";

/** A known failure: of one case, in one codec or in all, or of every case that finds a violation of one requirement. */
export interface KnownFailure {
  /** Id of a case, with or without its codec, or of a requirement. */
  id: string;
  /** Why the server fails, or why that is accepted for now. Shown in reports. */
  reason: string;
}

/**
 * Marks the known failures of a report, and lists the stale entries: those that no longer fail. A part of a run gets no
 * stale entries, since the failure may be in another part. Outcomes and verdict do not change.
 */
export function markKnownFailures(report: Report, known: readonly KnownFailure[]): void {
  for (const result of report.cases) result.knownFailure = reasonFor(result, known);
  report.staleKnownFailures =
    report.shard === "" ? known.filter((entry) => isStale(entry, report)).map(({ id }) => id) : [];
}

/** Whether a case fails and its failure is not known. */
export const isUnexpected = (result: CaseResult) => isFailure(result) && result.knownFailure === "";

const isFailure = ({ outcome }: CaseResult) => outcome === Outcome.FAIL;

/**
 * Returns why the failure of a case is known; empty if it is not known, or if the case does not fail. A failure that
 * violates several MUSTs is known only if all of them are.
 */
export function reasonFor(result: CaseResult, known: readonly KnownFailure[]): string {
  if (!isFailure(result)) return "";
  const { id, findings } = result;
  const own = known.find((entry) => entry.id === id || entry.id === caseIdOf(id));
  if (own !== undefined) return own.reason;
  const violated = new Set(findings.map(({ requirement }) => requirement).filter(isMust));
  const reasons = [...violated].map((requirement) => known.find((entry) => entry.id === requirement)?.reason);
  return reasons.every((reason) => reason !== undefined) ? [...new Set(reasons)].join("; ") : "";
}

const isMust = (requirement: string) => REQUIREMENTS[requirement as keyof typeof REQUIREMENTS]?.level !== "SHOULD";

/**
 * A case is stale if it passes in all codecs of the run; a requirement, if all cases that check it were run and pass.
 */
function isStale({ id }: KnownFailure, { cases }: Report): boolean {
  const passes = (own: readonly CaseResult[]) =>
    own.length > 0 && own.every(({ outcome }) => outcome === Outcome.PASS || outcome === Outcome.WARN);
  if (!(id in REQUIREMENTS)) return passes(cases.filter((it) => it.id === id || caseIdOf(it.id) === id));
  if (cases.some(({ findings }) => findings.some(({ requirement }) => requirement === id))) return false;
  const checking = cases.filter((it) => it.requirements.includes(id) && it.outcome !== Outcome.NOT_APPLICABLE);
  const present = new Set(cases.map((it) => caseIdOf(it.id)));
  const isComplete = CATALOGUE.every(
    (it) => !(it.requirements as readonly string[]).includes(id) || present.has(it.id),
  );
  return isComplete && passes(checking);
}
