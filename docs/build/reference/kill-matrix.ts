import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE } from "../../../conformance/cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "../../../conformance/requirements/requirements.js";
import { type Matrix, STIMULI } from "../../../conformance/selftest/kill-matrix/matrix.js";
import { type Fault, MUTANTS } from "../../../conformance/selftest/mutants/index.js";
import { anchor, caseAnchor, faultAnchor } from "../anchors.js";

/** Where the matrix is kept: it takes long to make, so the site shows the last one that was committed. */
export const PROOF_FILE = "docs/data/proof.json";

/** All faulty servers, and, where there is a matrix, which cases caught them. */
export function killMatrixPage(root: string): string {
  const file = join(root, PROOF_FILE);
  const matrix = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Matrix) : undefined;
  return [
    "# Kill matrix",
    "",
    "A green run shows only that the suite does not shout. This shows that it catches: each entry is a server that breaks one",
    "requirement on purpose, and what the suite said of it. `seqsync check --mutant NAME` checks it, so that",
    "anybody can see what the failure looks like.",
    "",
    ...(matrix === undefined ? missing() : summary(matrix, dateOf(root))),
    "",
    ...byRequirement().flatMap(([id, faults]) => [
      `## ${id}`,
      "",
      `> ${REQUIREMENTS[id].sentence} ([in the specification](../spec/${REQUIREMENTS[id].anchor}))`,
      "",
      ...faults.map((fault) => entry(fault, matrix)),
      "",
    ]),
  ].join("\n");
}

const missing = () => [
  "**The matrix has not been made for this build.** The faulty servers are listed all the same. To fill in what caught them, run this in",
  "a clone; it takes some minutes:",
  "",
  "```sh",
  `npm run proof -- --json ${PROOF_FILE}`,
  "npm run docs",
  "```",
];

function summary({ counts, cases, falseAlarms }: Matrix, date: string): string[] {
  const idle = cases.filter(({ kills }) => kills.length === 0);
  const own = cases.filter((it) => it.own.length > 0);
  return [
    "| | |",
    "| --- | --- |",
    `| made | ${date} |`,
    `| faulty servers caught | ${counts.killed} of ${counts.faults} |`,
    `| with the broken requirement among those blamed | ${counts.right} of ${counts.faults} |`,
    `| cases that catch at least one | ${counts.cases - idle.length} of ${counts.cases} |`,
    `| cases of which what they expect themselves catches one, whatever the judge sees | ${own.length} of ${counts.cases} |`,
    `| false alarms against the right server | ${falseAlarms.length} |`,
    "",
    "Made anew by `npm run proof -- --json docs/data/proof.json`. Each run is held against this one, in CI too: an expectation that",
    "caught a fault here and is missing, or has become too weak, is told by its case, its requirement and the fault.",
    "",
    "The judge looks at every answer that any case sees, so a case without an expectation of its own would still catch much. These have",
    "none on purpose:",
    "",
    ...Object.entries(STIMULI).map(([id, why]) => `- ${caseLink(id)}: ${why}`),
    ...(idle.length === 0
      ? []
      : [
          "",
          `<details><summary>Cases that catch none of these</summary>`,
          "",
          idle.map(({ id }) => caseLink(id)).join(", "),
          "",
          "</details>",
        ]),
  ];
}

/** The day on which the file was committed last; without git, nobody knows. */
function dateOf(root: string): string {
  try {
    const day = execFileSync("git", ["log", "-1", "--format=%cs", "--", PROOF_FILE], { cwd: root, encoding: "utf8" });
    return day.trim() || "not committed yet";
  } catch {
    return "unknown";
  }
}

/** In the specification's order. */
function byRequirement(): [RequirementId, Fault[]][] {
  const ids = Object.keys(REQUIREMENTS) as RequirementId[];
  return ids
    .map((id): [RequirementId, Fault[]] => [id, MUTANTS.filter(({ breaks }) => breaks === id)])
    .filter(([, faults]) => faults.length > 0);
}

function entry({ name, about, seenIn: wild, race }: Fault, matrix: Matrix | undefined): string {
  const found = matrix?.mutants.find((it) => it.name === name);
  const lines = [
    `- ${anchor(faultAnchor(name))}**${name}**: ${escaped(about)}${race ? " (a race)" : ""}.${wild === undefined ? "" : ` Seen in ${wild}.`}`,
  ];
  if (found !== undefined) {
    const also = found.blamed.filter((id) => id !== found.requirement);
    lines.push(
      found.killed
        ? `  Caught by ${shown(found.killedBy.map(caseLink))}.${found.right ? "" : " **Another requirement is blamed.**"}${also.length === 0 ? "" : ` Also blamed: ${shown(also)}.`}`
        : "  **Not caught.**",
    );
  } else if (matrix !== undefined) lines.push("  Newer than this matrix.");
  return lines.join("\n");
}

const KNOWN = new Set(CATALOGUE.map(({ id }) => id));
const caseLink = (id: string) => (KNOWN.has(id) ? `[${id}](cases.md#${caseAnchor(id)})` : id);

function shown(names: readonly string[]): string {
  const rest = names.length - 3;
  return names.slice(0, 3).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Prose of the sources may hold what Markdown takes for markup. */
const escaped = (text: string) => text.replace(/[<*_]/g, "\\$&");
