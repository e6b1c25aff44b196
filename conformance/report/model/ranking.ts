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
  /** Failed cases that blame it, counted in each codec. */
  runs: number;
}

/** A special case is no explanation for a general failure: for more than this many failed cases for each of its own. */
const MAX_OTHERS_PER_OWN_CASE = 5;

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

/** Follows the declared explanations of a violation to the one that nothing else explains. */
function bestExplanation(from: RequirementEvidence, among: readonly RequirementEvidence[]): RequirementEvidence {
  const seen = new Set([from]);
  let best = from;
  for (;;) {
    const better = among.find((it) => !seen.has(it) && explains(it, best));
    if (better === undefined) return best;
    seen.add(better);
    best = better;
  }
}

function explains(a: RequirementEvidence, b: RequirementEvidence): boolean {
  if (a.ownCases === 0 || rank(a) > rank(b)) return false;
  if (listed(CAUSE_OF, a.id).includes(b.id)) return true;
  const holdsElsewhere = b.heldIn > 0 || b.ownCases === 0;
  return (
    holdsElsewhere &&
    b.otherCases <= MAX_OTHERS_PER_OWN_CASE * a.ownCases &&
    listed(SPECIAL_CASE_OF, a.id).includes(b.id)
  );
}

const listed = (relation: Readonly<Record<string, readonly string[]>>, id: string) => relation[id] ?? [];
const rank = ({ level }: RequirementEvidence) => (level === "MUST" ? 0 : 1);
const explained = ({ ownCases, otherCases }: RequirementEvidence) => ownCases + otherCases;

const PLACES = new Map(Object.keys(REQUIREMENTS).map((id, index) => [id, index]));
/** Place in the specification, whose first chapters are about what the later ones rest on. */
const place = (id: string) => PLACES.get(id) ?? PLACES.size;
