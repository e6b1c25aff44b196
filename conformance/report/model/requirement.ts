import { REQUIREMENTS, type Requirement } from "../../requirements/requirements.js";

/** A requirement by its id. A report of another version may name one that this version does not know: it counts as a MUST. */
export function requirementOf(id: string): Requirement {
  const known: Readonly<Record<string, Requirement>> = REQUIREMENTS;
  return known[id] ?? { level: "MUST", profile: "CORE", sentence: "", anchor: "" };
}

/** Where the specification is, unless one says otherwise: the folder in the package and in the repository. */
export const DEFAULT_SPEC = "docs/spec/";

/** Where the requirement's sentence stands. `spec` is the base that chapter files are below. */
export function specLink(id: string, spec = DEFAULT_SPEC): string {
  return `${spec.replace(/\/?$/, "/")}${requirementOf(id).anchor}`;
}
