import { CATALOGUE, chapterOf } from "../cases/catalogue.js";
import type { Job } from "../run/run-case.js";
import { UsageError } from "./usage.js";

/** Chooses cases by patterns on ids, chapters and requirements. Refuses a pattern that fits nothing: a typo must not pass. */
export function selectBy(only: readonly string[], skip: readonly string[]): (job: Pick<Job, "id" | "case">) => boolean {
  for (const pattern of [...only, ...skip]) {
    const fits = matcher(pattern);
    if (!CATALOGUE.some((it) => fits({ id: it.id, case: it }))) {
      throw new UsageError(`no case, chapter or requirement fits "${pattern}"; \`seqsync list\` shows them`);
    }
  }
  const wanted = only.map(matcher);
  const unwanted = skip.map(matcher);
  return (job) => (wanted.length === 0 || wanted.some((fits) => fits(job))) && !unwanted.some((fits) => fits(job));
}

function matcher(pattern: string): (job: Pick<Job, "id" | "case">) => boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  const regex = new RegExp(`^${source}$`, "i");
  return ({ id, case: it }) => [id, it.id, chapterOf(it), ...it.requirements].some((name) => regex.test(name));
}
