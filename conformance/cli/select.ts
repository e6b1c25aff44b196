import { CATALOGUE, chapterOf } from "../cases/catalogue.js";
import { seeded } from "../random.js";
import { REQUIREMENTS, type Requirement } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { allCaseRuns, type CaseRun, caseRuns, profileOf } from "../run/case-run.js";
import { closest, didYouMean } from "../suggest.js";
import type { Shard } from "./shard.js";
import { UsageError } from "./usage.js";

/** Criteria for the cases of a run. A case must meet every criterion that is set. */
export interface Selection {
  /** Patterns for ids, chapters and requirements; at least one must match. `*` matches any text. */
  only?: readonly string[] | undefined;
  /** Patterns for ids, chapters and requirements; none may match. */
  skip?: readonly string[] | undefined;
  /** Profiles; the first requirement of the case must belong to one of them. */
  profile?: readonly string[] | undefined;
  /** Level of at least one requirement that the case checks. */
  level?: Requirement["level"] | undefined;
  codec?: Codec | undefined;
  shard?: Shard | undefined;
}

/**
 * Returns a predicate for the selected cases. Throws UsageError for a pattern that matches nothing and for a selection
 * without any case, so that a typo does not lead to a pass.
 */
export function selectBy({ only = [], skip = [], profile, level, codec, shard }: Selection): (run: CaseRun) => boolean {
  const all = allCaseRuns(CATALOGUE);
  for (const pattern of [...only, ...skip]) {
    if (!all.some(matcher(pattern))) throw unknownPattern(pattern, all);
  }
  for (const name of profile ?? []) {
    const profiles = new Set(all.map((run) => profileOf(run.case)));
    if (!profiles.has(name as Requirement["profile"]))
      throw new UsageError(
        `--profile ${name}: no case has this profile${didYouMean(name, profiles) || `; use one of ${[...profiles].join(", ")}`}`,
      );
  }
  const included = only.map(matcher);
  const excluded = skip.map(matcher);
  const available = caseRuns(CATALOGUE, codec === undefined ? ["proto", "json"] : [codec]);
  const chosen = available.filter(
    (run) =>
      (included.length === 0 || included.some((matches) => matches(run))) &&
      !excluded.some((matches) => matches(run)) &&
      (profile === undefined || profile.includes(profileOf(run.case))) &&
      (level === undefined || run.case.requirements.some((id) => REQUIREMENTS[id].level === level)) &&
      (codec === undefined || run.codec === codec),
  );
  if (chosen.length === 0) throw new UsageError("the selection has no cases; `seqsync list` lists all cases");
  const ids = new Set((shard === undefined ? chosen : partOf(chosen, shard)).map(({ id }) => id));
  return ({ id }) => ids.has(id);
}

/**
 * Returns every n-th case of a shuffled list, so that slow cases are spread over the parts. Every machine shuffles in
 * the same way. Throws UsageError if the part is empty.
 */
function partOf(runs: readonly CaseRun[], { index, of }: Shard): CaseRun[] {
  const order = new Map(runs.map((run) => [run, seeded(0, run.id)()]));
  const shuffled = [...runs].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  const part = shuffled.filter((_, position) => position % of === index - 1);
  if (part.length === 0)
    throw new UsageError(
      `--shard ${index}/${of}: this part is empty, because the selection has only ${runs.length} cases; use fewer parts`,
    );
  return part;
}

function matcher(pattern: string): (run: CaseRun) => boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  const regex = new RegExp(`^${source}$`, "i");
  return (run) => namesOf(run).some((name) => regex.test(name));
}

const namesOf = ({ id, case: it }: CaseRun): string[] => [id, it.id, chapterOf(it), ...it.requirements];

function unknownPattern(pattern: string, runs: readonly CaseRun[]): UsageError {
  const names = new Set(runs.flatMap(namesOf));
  // In a pattern with an asterisk, only the chapter can be misspelt recognizably.
  const [chapter = "", ...rest] = pattern.split("/");
  const near = pattern.includes("*")
    ? closest(
        chapter,
        runs.map(({ case: it }) => chapterOf(it)),
      )
    : undefined;
  const suggestion = near === undefined ? didYouMean(pattern, names) : `; did you mean "${[near, ...rest].join("/")}"?`;
  return new UsageError(
    `no case, chapter or requirement matches "${pattern}"${suggestion || "; `seqsync list` lists them"}`,
  );
}
