/** Puts next to each requirement of the specification what checks it: its cases, and the faulty servers that prove these. */
import { posix } from "node:path";
import { CATALOGUE } from "../../conformance/cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "../../conformance/requirements/requirements.js";
import { MUTANTS } from "../../conformance/selftest/mutants/index.js";
import { caseAnchor, faultAnchor } from "./anchors.js";

/** The block quote of a requirement, with its last line break. */
const QUOTE = /^> <a id="[a-z0-9-]+"><\/a>\*\*([A-Z0-9-]+)\*\* \([A-Z]+\) .+\n(?:>.*\n)*/gm;

/** The text of a chapter with a line below each requirement. `path` is the chapter's, below the root of the repository. */
export function withProof(path: string, text: string): string {
  return text.replace(QUOTE, (quote, id: string) => {
    if (!(id in REQUIREMENTS)) throw new Error(`${path}: ${id} is not in the registry; run npm run generate`);
    return `${quote}\n<div class="proof">\n\n${proofOf(id as RequirementId, path)}\n\n</div>\n`;
  });
}

function proofOf(id: RequirementId, path: string): string {
  const { level, profile } = REQUIREMENTS[id];
  const link = (page: string) => posix.relative(posix.dirname(path), page);
  const cases = CATALOGUE.filter(({ requirements }) => (requirements as readonly string[]).includes(id)).map(
    (it) => `[${it.id}](${link("docs/reference/cases.md")}#${caseAnchor(it.id)})`,
  );
  const faults = MUTANTS.filter(({ breaks }) => breaks === id).map(
    ({ name }) => `[${name}](${link("docs/reference/kill-matrix.md")}#${faultAnchor(name)})`,
  );
  return [
    `**${level}** · profile ${profile} · [link to this](#${id.toLowerCase()})`,
    cases.length === 0 ? unchecked(profile, level) : folded(cases, "case that checks it", "cases that check it"),
    ...(faults.length === 0 ? [] : [folded(faults, "faulty server that breaks it", "faulty servers that break it")]),
  ].join("\n\n");
}

/** A requirement without a case says why. */
const unchecked = (profile: string, level: string): string =>
  profile === "CLIENT"
    ? "Owed by clients; a suite for servers does not check it."
    : level === "MAY"
      ? "A permission: there is nothing to check."
      : "No case of its own: the judge holds every answer of every case against it.";

/** Few stand in the line, many are opened by a click. */
const folded = (links: readonly string[], one: string, many: string): string =>
  links.length <= 4
    ? `${links.length} ${links.length === 1 ? one : many}: ${links.join(", ")}`
    : `<details><summary>${links.length} ${many}</summary>\n\n${links.join(", ")}\n\n</details>`;
