import { type CaseResult, Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS } from "../requirements/requirements.js";

/** A failure that is known: of a case, in one codec or in all, or whatever breaks a requirement. */
export interface KnownFailure {
  /** Id of a case, with or without its codec, or of a requirement. */
  id: string;
  /** Why it is not mended yet. */
  reason: string;
}

/**
 * Marks the failures of a report that are known, and names those entries of the list that are none any more. Of a part of a run
 * the latter is not told: what fails may be in another part. The verdict stays what it is: the server is broken.
 */
export function markKnownFailures(report: Report, known: readonly KnownFailure[]): void {
  for (const result of report.cases) result.knownFailure = reasonFor(result, known);
  report.staleKnownFailures =
    report.shard === "" ? known.filter((entry) => isStale(entry, report)).map(({ id }) => id) : [];
}

/** Whether a case breaks a MUST and nobody expected it. */
export const isUnexpected = (result: CaseResult) => isFailure(result) && result.knownFailure === "";

const isFailure = ({ outcome }: CaseResult) => outcome === Outcome.FAIL;

/** The case without its codec. */
export const caseOf = (jobId: string) => jobId.replace(/ \(json\)$/, "");

/**
 * Why the failure of a case is known; empty if it is not, or if there is none. A case that breaks several requirements is known
 * only if all of them are.
 */
export function reasonFor(result: CaseResult, known: readonly KnownFailure[]): string {
  if (!isFailure(result)) return "";
  const { id, findings } = result;
  const own = known.find((entry) => entry.id === id || entry.id === caseOf(id));
  if (own !== undefined) return own.reason;
  const broken = new Set(findings.map(({ requirement }) => requirement).filter(isMust));
  const reasons = [...broken].map((requirement) => known.find((entry) => entry.id === requirement)?.reason);
  return reasons.every((reason) => reason !== undefined) ? [...new Set(reasons)].join("; ") : "";
}

const isMust = (requirement: string) => REQUIREMENTS[requirement as keyof typeof REQUIREMENTS]?.level !== "SHOULD";

/** A case is no known failure any more if all its runs pass; a requirement, if all cases that check it are there and pass. */
function isStale({ id }: KnownFailure, { cases }: Report): boolean {
  const passes = (own: readonly CaseResult[]) =>
    own.length > 0 && own.every(({ outcome }) => outcome === Outcome.PASS || outcome === Outcome.WARN);
  if (!(id in REQUIREMENTS)) return passes(cases.filter((it) => it.id === id || caseOf(it.id) === id));
  if (cases.some(({ findings }) => findings.some(({ requirement }) => requirement === id))) return false;
  const checking = cases.filter((it) => it.requirements.includes(id) && it.outcome !== Outcome.NOT_APPLICABLE);
  const there = new Set(cases.map((it) => caseOf(it.id)));
  const whole = CATALOGUE.every((it) => !(it.requirements as readonly string[]).includes(id) || there.has(it.id));
  return whole && passes(checking);
}
