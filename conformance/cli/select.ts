import { CATALOGUE, chapterOf } from "../cases/catalogue.js";
import { REQUIREMENTS, type Requirement } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { allCaseRuns, caseRuns } from "../run/plan.js";
import { seeded } from "../run/random.js";
import { type CaseRun, profileOf } from "../run/run-case.js";
import type { Shard } from "./shard.js";
import { closest, didYouMean } from "./suggest.js";
import { UsageError } from "./usage.js";

/** Which cases a run has. What is left away does not narrow. */
export interface Selection {
  /** Patterns on ids, chapters and requirements; `*` stands for anything. */
  only?: readonly string[] | undefined;
  skip?: readonly string[] | undefined;
  /** Profiles, of the requirements that cases are named for. */
  profile?: readonly string[] | undefined;
  /** The level of a requirement that a case checks. */
  level?: Requirement["level"] | undefined;
  codec?: Codec | undefined;
  shard?: Shard | undefined;
}

/** Chooses jobs. Refuses a pattern that fits nothing, and a choice that leaves nothing: a typo must not pass. */
export function selectBy({ only = [], skip = [], profile, level, codec, shard }: Selection): (job: CaseRun) => boolean {
  const all = allCaseRuns(CATALOGUE);
  for (const pattern of [...only, ...skip]) {
    if (!all.some(matcher(pattern))) throw unknownPattern(pattern, all);
  }
  for (const name of profile ?? []) {
    const profiles = new Set(all.map((job) => profileOf(job.case)));
    if (!profiles.has(name as Requirement["profile"]))
      throw new UsageError(
        `--profile ${name}: there is no case of such a profile${didYouMean(name, profiles) || `; there are ${[...profiles].join(", ")}`}`,
      );
  }
  const wanted = only.map(matcher);
  const unwanted = skip.map(matcher);
  const offered = caseRuns(CATALOGUE, codec === undefined ? ["proto", "json"] : [codec]);
  const chosen = offered.filter(
    (job) =>
      (wanted.length === 0 || wanted.some((fits) => fits(job))) &&
      !unwanted.some((fits) => fits(job)) &&
      (profile === undefined || profile.includes(profileOf(job.case))) &&
      (level === undefined || job.case.requirements.some((id) => REQUIREMENTS[id].level === level)) &&
      (codec === undefined || job.codec === codec),
  );
  if (chosen.length === 0) throw new UsageError("what was selected leaves no case; `seqsync list` shows all");
  const part = shard === undefined ? chosen : partOf(chosen, shard);
  if (part.length === 0) throw new UsageError(`there are only ${chosen.length} cases: --shard has no use for so many`);
  const ids = new Set(part.map(({ id }) => id));
  return ({ id }) => ids.has(id);
}

/** Every n-th of the cases, shuffled in the same way everywhere, so that no part has all the long ones. */
function partOf(jobs: readonly CaseRun[], { index, of }: Shard): CaseRun[] {
  const place = new Map(jobs.map((job) => [job, seeded(0, job.id)()]));
  const shuffled = [...jobs].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  return shuffled.filter((_, position) => position % of === index - 1);
}

function matcher(pattern: string): (job: CaseRun) => boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  const regex = new RegExp(`^${source}$`, "i");
  return (job) => namesOf(job).some((name) => regex.test(name));
}

const namesOf = ({ id, case: it }: CaseRun): string[] => [id, it.id, chapterOf(it), ...it.requirements];

function unknownPattern(pattern: string, jobs: readonly CaseRun[]): UsageError {
  const names = new Set(jobs.flatMap(namesOf));
  // With an asterisk only the chapter can be compared.
  const [chapter = "", ...rest] = pattern.split("/");
  const near = pattern.includes("*")
    ? closest(
        chapter,
        jobs.map(({ case: it }) => chapterOf(it)),
      )
    : undefined;
  const suggestion = near === undefined ? didYouMean(pattern, names) : `; did you mean "${[near, ...rest].join("/")}"?`;
  return new UsageError(
    `no case, chapter or requirement fits "${pattern}"${suggestion || "; `seqsync list` shows them"}`,
  );
}
