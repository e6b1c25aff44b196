import type { ParsedRequirement } from "./parse.js";

/** All ids that the specification has ever used, with their levels. */
export type PublishedIds = Readonly<Record<string, string>>;

/**
 * Checks that no published id was removed and none changed its level, except those in the table of the chapter "Versioning".
 * Returns the updated list. Throws an error that lists the violations.
 */
export function checkIds(
  published: PublishedIds,
  requirements: readonly ParsedRequirement[],
  versioning: string,
): PublishedIds {
  const announced = new Set([...versioning.matchAll(/^\| \*\*([A-Z0-9-]+)\*\* \|/gm)].map((match) => match[1]));
  const now = new Map(requirements.map(({ id, level }) => [id, level]));
  const wrong: string[] = [];
  for (const [id, level] of Object.entries(published)) {
    if (announced.has(id)) continue;
    const current = now.get(id);
    if (current === undefined) wrong.push(`${id} was removed`);
    else if (current !== level) wrong.push(`${id} changed from ${level} to ${current}`);
  }
  for (const id of announced)
    if (id !== undefined && !(id in published)) wrong.push(`${id} is announced as changed, but was never published`);
  if (wrong.length > 0)
    throw new Error(`${wrong.join("; ")}. Announce it in the table of docs/spec/versioning.md, or undo it.`);
  return Object.fromEntries(
    [...Object.entries(published), ...now].map(([id]) => [id, now.get(id) ?? published[id] ?? ""]),
  );
}
