import { REQUIREMENTS, type Requirement } from "../../requirements/requirements.js";
import { VERSION } from "../../version.js";

/**
 * The requirement with this id. An id that this version does not know, from a report of another version, counts as a
 * MUST.
 */
export function requirementOf(id: string): Requirement {
  const known: Readonly<Record<string, Requirement>> = REQUIREMENTS;
  return known[id] ?? { level: "MUST", profile: "CORE", sentence: "", anchor: "" };
}

/**
 * Default base URL of the specification's chapters: those of this version in the repository, which opens for everyone who
 * gets a report.
 */
export const DEFAULT_SPEC = `https://github.com/seqsync/seqsync/blob/v${VERSION}/docs/spec/`;

/** Link to a requirement in the specification. `spec` is the base URL of the chapters. */
export function specLink(id: string, spec = DEFAULT_SPEC): string {
  return `${spec.replace(/\/?$/, "/")}${requirementOf(id).anchor}`;
}
