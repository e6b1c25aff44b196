/** Adds to each requirement of the specification the cases that check it, and the mutants that break it. */
import { posix } from "node:path";
import { CATALOGUE } from "../../conformance/cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "../../conformance/requirements/requirements.js";
import { MUTANTS } from "../../conformance/selftest/mutants/index.js";
import { caseAnchor, mutantAnchor } from "./anchors.js";

/** Block quote of a requirement, including its last line break. */
const QUOTE = /^> <a id="[a-z0-9-]+"><\/a>\*\*([A-Z0-9-]+)\*\* \([A-Z]+\) .+\n(?:>.*\n)*/gm;

/**
 * Adds a line below each requirement of a chapter. `path` is the path of the chapter below the root of the repository.
 */
export function withEvidence(path: string, text: string): string {
  return text.replace(QUOTE, (quote, id: string) => {
    if (!(id in REQUIREMENTS)) throw new Error(`${path}: ${id} is not in the registry; run npm run generate`);
    return `${quote}\n<div class="evidence">\n\n${evidenceFor(id as RequirementId, path)}\n\n</div>\n`;
  });
}

function evidenceFor(id: RequirementId, path: string): string {
  const { level, profile } = REQUIREMENTS[id];
  const link = (page: string) => posix.relative(posix.dirname(path), page);
  const cases = CATALOGUE.filter(({ requirements }) => (requirements as readonly string[]).includes(id)).map(
    (it) => `[${it.id}](${link("docs/reference/cases.md")}#${caseAnchor(it.id)})`,
  );
  const mutants = MUTANTS.filter(({ breaks }) => breaks === id).map(
    ({ name }) => `[${name}](${link("docs/reference/kill-matrix.md")}#${mutantAnchor(name)})`,
  );
  return [
    `**${level}** · profile ${profile} · [permalink](#${id.toLowerCase()})`,
    cases.length === 0 ? unchecked(profile, level) : folded(cases, "case that checks it", "cases that check it"),
    ...(mutants.length === 0 ? [] : [folded(mutants, "mutant that breaks it", "mutants that break it")]),
  ].join("\n\n");
}

/** The reason why a requirement has no case. */
const unchecked = (profile: string, level: string): string =>
  profile === "CLIENT"
    ? "A requirement for clients; a suite for servers does not check it."
    : level === "MAY"
      ? "A permission, so there is nothing to check."
      : "No case of its own: the judge checks it in the history of every case.";

/** Shows up to four links in the line, more in a collapsed list. */
const folded = (links: readonly string[], one: string, many: string): string =>
  links.length <= 4
    ? `${links.length} ${links.length === 1 ? one : many}: ${links.join(", ")}`
    : `<details><summary>${links.length} ${many}</summary>\n\n${links.join(", ")}\n\n</details>`;
