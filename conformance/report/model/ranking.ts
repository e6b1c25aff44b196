import { CAUSE_OF, SPECIAL_CASE_OF } from "../../requirements/explains.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";

/** What the cases of a run say about one blamed requirement. */
export interface RequirementEvidence {
  id: string;
  level: "MUST" | "SHOULD" | "MAY";
  /** Failed cases about the requirement that it explains best. */
  ownCases: number;
  /** Failed cases about other requirements that it explains best. */
  otherCases: number;
  /** Cases about the requirement that did not blame it. */
  heldIn: number;
  /** All failed cases that blame it. */
  blamedIn: number;
  /** Number of its findings' cases, counted in each codec. */
  runs: number;
}

/** A special case does not explain more failed cases than this for each case that blames it, if some cases did not. */
const MAX_OTHERS_PER_CASE = 7;
/** The same if every case about it blames it. */
const MAX_OTHERS_PER_CASE_OF_ALL = 15;

/**
 * Orders blamed requirements, the best explanation first: MUSTs, then those that explain most cases; but a requirement
 * whose own cases failed precedes those that it is declared to explain.
 */
export function byExplanation(blamed: readonly RequirementEvidence[]): string[] {
  const rest = [...blamed].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      explained(b) - explained(a) ||
      Number(b.ownCases > 0) - Number(a.ownCases > 0) ||
      b.runs - a.runs ||
      place(a.id) - place(b.id),
  );
  const ordered: string[] = [];
  for (let next = rest[0]; next !== undefined; next = rest[0]) {
    const first = bestExplanation(next, rest);
    rest.splice(rest.indexOf(first), 1);
    ordered.push(first.id);
  }
  return ordered;
}

/**
 * Follows the declared explanations of a violation to the one that nothing else explains. A special case explains no
 * failure that is general.
 */
function bestExplanation(from: RequirementEvidence, among: readonly RequirementEvidence[]): RequirementEvidence {
  const seen = new Set([from]);
  let best = from;
  let isGeneral = false;
  for (;;) {
    isGeneral ||= best.heldIn === 0 && best.ownCases > 0;
    const better = among.find(
      (it) => !seen.has(it) && isShown(it, best) && (isCause(it, best) || (!isGeneral && isSpecialCase(it, best))),
    );
    if (better === undefined) return best;
    seen.add(better);
    best = better;
  }
}

/** Whether the own cases of `a` failed, and it is not of a lower level than `b`. */
const isShown = (a: RequirementEvidence, b: RequirementEvidence) => a.ownCases > 0 && rank(a) <= rank(b);

const isCause = (a: RequirementEvidence, b: RequirementEvidence) => listed(CAUSE_OF, a.id).includes(b.id);

const isSpecialCase = (a: RequirementEvidence, b: RequirementEvidence) =>
  listed(SPECIAL_CASE_OF, a.id).includes(b.id) &&
  b.ownCases <= a.ownCases &&
  b.otherCases <= a.blamedIn * (a.heldIn === 0 ? MAX_OTHERS_PER_CASE_OF_ALL : MAX_OTHERS_PER_CASE);

/** Whether a violation of `a` is declared to explain one of `b`. */
export const isExplainedBy = (b: string, a: string): boolean =>
  listed(CAUSE_OF, a).includes(b) || listed(SPECIAL_CASE_OF, a).includes(b);

const listed = (relation: Readonly<Record<string, readonly string[]>>, id: string) => relation[id] ?? [];
const rank = ({ level }: RequirementEvidence) => (level === "MUST" ? 0 : 1);
const explained = ({ ownCases, otherCases }: RequirementEvidence) => ownCases + otherCases;

const PLACES = new Map(Object.keys(REQUIREMENTS).map((id, index) => [id, index]));
/** Place in the specification, whose first chapters are about what the later ones rest on. */
const place = (id: string) => PLACES.get(id) ?? PLACES.size;
