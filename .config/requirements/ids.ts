import type { ParsedRequirement } from "./parse.js";

/** Ids as they were given, each with the level of its sentence: the memory that the specification itself does not have. */
export type GivenIds = Readonly<Record<string, string>>;

/**
 * Compares the specification with the ids that were given before: an id may only vanish, or its level change, if the chapter on
 * versioning says so in its table. Answers the new list; throws with what is wrong.
 */
export function checkIds(given: GivenIds, requirements: readonly ParsedRequirement[], versioning: string): GivenIds {
  const announced = new Set([...versioning.matchAll(/^\| \*\*([A-Z0-9-]+)\*\* \|/gm)].map((match) => match[1]));
  const now = new Map(requirements.map(({ id, level }) => [id, level]));
  const wrong: string[] = [];
  for (const [id, level] of Object.entries(given)) {
    if (announced.has(id)) continue;
    const current = now.get(id);
    if (current === undefined) wrong.push(`${id} has vanished`);
    else if (current !== level) wrong.push(`${id} was a ${level} and is a ${current}`);
  }
  for (const id of announced)
    if (id !== undefined && !(id in given)) wrong.push(`${id} is announced as changed, and was never there`);
  if (wrong.length > 0)
    throw new Error(`${wrong.join("; ")}. Say so in the table of docs/spec/versioning.md, or undo it.`);
  return Object.fromEntries([...Object.entries(given), ...now].map(([id]) => [id, now.get(id) ?? given[id] ?? ""]));
}
