import { existsSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE } from "../../../conformance/cases/catalogue.js";
import { REQUIREMENTS, type RequirementId } from "../../../conformance/requirements/requirements.js";
import {
  CASES_WITHOUT_EXPECTATIONS,
  countByKind,
  killsByCase,
} from "../../../conformance/selftest/kill-matrix/matrix.js";
import {
  MATRIX_FILE,
  type MatrixFile,
  type MutantRecord,
  readMatrix,
} from "../../../conformance/selftest/kill-matrix/matrix-file.js";
import { MUTANTS, type Mutant } from "../../../conformance/selftest/mutants/index.js";
import { PROOF_FILE, type ProofFile, readProof } from "../../../conformance/selftest/proof/proof-file.js";
import { MECHANISMS } from "../../../conformance/selftest/support/mechanisms.js";
import { anchor, caseAnchor, mutantAnchor } from "../anchors.js";

const COMMAND = `npm run kill-matrix -- --thorough --json ${MATRIX_FILE}`;
const proofCommand = (mutants: number) => `npm run proof -- --fresh ${mutants} --json ${PROOF_FILE}`;

/** What the mechanisms are. */
const ABOUT_MECHANISMS =
  "*plain* is `check` without variation, *varied* is `check` with other forms and contents, *thorough* is `check --thorough`, and *explore* is a few hundred random programs.";

/** Returns the page of all mutants. It includes the cases that kill them if a matrix is committed. */
export function killMatrixPage(root: string): string {
  const file = join(root, MATRIX_FILE);
  const matrix = existsSync(file) ? readMatrix(file) : undefined;
  const proof = join(root, PROOF_FILE);
  return [
    "# Kill matrix",
    "",
    "The kill matrix shows that the suite detects violations. Each entry is a *mutant*: a server that breaks one requirement on purpose,",
    "with the cases that fail against it. `seqsync check --mutant NAME` checks a mutant and reports the failures.",
    "",
    ...(matrix === undefined ? missing() : [...summary(matrix), ...kinds(matrix)]),
    "",
    ...freshMutants(existsSync(proof) ? readProof(proof) : undefined),
    "",
    ...byRequirement().flatMap(([id, mutants]) => [
      `## ${id}`,
      "",
      `> ${REQUIREMENTS[id].sentence} ([in the specification](../spec/${REQUIREMENTS[id].anchor}))`,
      "",
      ...mutants.map((mutant) => entry(mutant, matrix)),
      "",
    ]),
  ].join("\n");
}

const missing = () => [
  "**No matrix is committed for this version**, so only the mutants are listed. To make a matrix, which takes some minutes, run in a",
  "clone:",
  "",
  "```sh",
  COMMAND,
  "npm run docs",
  "```",
];

function summary({ run, mutants }: MatrixFile): string[] {
  const cases = killsByCase(mutants);
  const idle = cases.filter(({ kills }) => kills.length === 0);
  const breaks = new Map(MUTANTS.map((it) => [it.name, it.breaks]));
  const countMutants = (matches: (mutant: MutantRecord) => boolean) =>
    `${mutants.filter(matches).length} of ${mutants.length}`;
  return [
    "| | |",
    "| --- | --- |",
    `| made | ${run.date.slice(0, 16).replace("T", " ")} UTC with commit ${run.commit}, in ${run.seconds} s |`,
    `| mutants killed | ${countMutants((it) => it.killedByCase.length + it.killedByJudge.length > 0)} |`,
    `| broken requirement blamed | ${countMutants(({ name, blamed }) => blamed.some((id) => id === breaks.get(name)))} |`,
    `| broken requirement shown first in the report | ${countMutants(({ name, blamed: [first] }) => first === breaks.get(name))} |`,
    `| cases that kill a mutant | ${cases.length - idle.length} of ${cases.length} |`,
    `| cases that kill a mutant by an expectation of their own | ${cases.filter((it) => it.killsByExpectation.length > 0).length} of ${cases.length} |`,
    `| false positives against the reference server | ${run.falsePositives.length} |`,
    "",
    `\`${COMMAND}\` writes a new matrix. Each run, also in CI, is compared with the committed matrix: the run fails if an expectation`,
    "that failed on a mutant no longer fails.",
    "",
    "The judge checks the history of every case, so a case without expectations of its own still kills mutants. These cases have none",
    "on purpose:",
    "",
    ...Object.entries(CASES_WITHOUT_EXPECTATIONS).map(([id, why]) => `- ${caseLink(id)}: ${why}`),
    ...(idle.length === 0
      ? []
      : [
          "",
          "<details><summary>Cases that kill no mutant</summary>",
          "",
          idle.map(({ id }) => caseLink(id)).join(", "),
          "",
          "</details>",
        ]),
  ];
}

/** Which mechanism killed how many mutants of each kind; empty if the matrix does not tell. */
function kinds({ mutants }: MatrixFile): string[] {
  const records = new Map(mutants.map((it) => [it.name, it]));
  const known = MUTANTS.flatMap(({ name, kind }) => {
    const killedBy = records.get(name)?.killedBy;
    return killedBy === undefined ? [] : [{ kind, killedBy }];
  });
  if (known.length === 0) return [];
  return [
    "",
    `The cheapest mechanism that killed each mutant, by what its fault depends on. ${ABOUT_MECHANISMS}`,
    "",
    `| fault depends on | mutants | ${MECHANISMS.join(" | ")} | survived |`,
    `| --- | ---: |${" ---: |".repeat(MECHANISMS.length + 1)}`,
    ...countByKind(known).map(
      (it) =>
        `| ${it.kind || "none of these"} | ${it.mutants} | ${MECHANISMS.map((by) => it.killedBy[by]).join(" | ")} | ${it.survived} |`,
    ),
  ];
}

/** How many mutants the suite kills that nobody has written or tuned it to. */
function freshMutants(proof: ProofFile | undefined): string[] {
  const about = [
    "## Fresh mutants",
    "",
    "The mutants below were written together with the cases. *Fresh* mutants are not: a program combines a condition, such as a kind of",
    "payload, a number of messages or a form of the request, with an effect, such as a lost message or a wrong number. Their servers",
    "count whether the fault occurred, and whether a client could see it.",
    "",
  ];
  if (proof === undefined)
    return [
      ...about,
      "No run is committed for this version. To make one, which takes half an hour, run in a clone:",
      "",
      "```sh",
      proofCommand(40),
      "```",
    ];
  const { counts, killedBy, survivors, mechanisms } = proof;
  const share = (part: number, whole: number) =>
    `${part} of ${whole} (${Math.round((100 * part) / Math.max(whole, 1))} %)`;
  return [
    ...about,
    "| | |",
    "| --- | --- |",
    `| made | ${proof.date.slice(0, 16).replace("T", " ")} UTC with commit ${proof.commit}, seed ${proof.seed}, in ${proof.seconds} s |`,
    `| killed | ${share(counts.killed, counts.mutants)} |`,
    ...mechanisms.map((it) => `| killed by ${it}, and not by one before it | ${killedBy[it] ?? 0} |`),
    `| a requirement that the mutant violates is blamed | ${share(counts.blamedRightly, counts.killed)} of those |`,
    `| survived, though a client could see the fault | ${counts.shown} |`,
    `| survived, and no client made the call that shows the fault | ${counts.unseen} |`,
    `| survived, and the fault never occurred | ${counts.never} |`,
    "",
    `\`${proofCommand(counts.mutants)} --seed ${proof.seed}\` makes them again.`,
    ...(survivors.length === 0
      ? []
      : [
          "",
          "<details><summary>Fresh mutants that survived</summary>",
          "",
          ...survivors.map(({ nr, about: what, why }) => `- ${nr}: ${escaped(what)} (${WHY[why]})`),
          "",
          "</details>",
        ]),
  ];
}

const WHY: Readonly<Record<ProofFile["survivors"][number]["why"], string>> = {
  shown: "seen by a client",
  unseen: "occurred, but was not seen",
  never: "did not occur",
};

/** The mutants of each requirement, in the specification's order. */
function byRequirement(): [RequirementId, Mutant[]][] {
  const ids = Object.keys(REQUIREMENTS) as RequirementId[];
  return ids
    .map((id): [RequirementId, Mutant[]] => [id, MUTANTS.filter(({ breaks }) => breaks === id)])
    .filter(([, mutants]) => mutants.length > 0);
}

function entry(mutant: Mutant, matrix: MatrixFile | undefined): string {
  const { name, about, seenIn, race } = mutant;
  const first = `- ${anchor(mutantAnchor(name))}**${name}**: ${escaped(about)}${race ? " (a race)" : ""}.${seenIn === undefined ? "" : ` Seen in ${seenIn}.`}`;
  if (matrix === undefined) return first;
  const record = matrix.mutants.find((it) => it.name === name);
  return `${first}\n  ${record === undefined ? "This mutant is newer than the matrix." : outcome(mutant, record)}`;
}

function outcome({ breaks }: Mutant, { blamed, killedByCase, killedByJudge }: MutantRecord): string {
  const killing = new Set([...killedByCase, ...killedByJudge]);
  if (killing.size === 0) return "**Survived.**";
  const others = blamed.filter((id) => id !== breaks);
  return [
    `Killed by ${abbreviated(inOrder(killing).map(caseLink))}.`,
    ...(blamed.includes(breaks) ? [] : ["**The broken requirement is not blamed.**"]),
    ...(others.length === 0 ? [] : [`Also blamed: ${abbreviated(others)}.`]),
  ].join(" ");
}

const KNOWN = new Set<string>(CATALOGUE.map(({ id }) => id));
const caseLink = (id: string) => (KNOWN.has(id) ? `[${id}](cases.md#${caseAnchor(id)})` : id);

/** Case ids in the catalogue's order, followed by those of cases that no longer exist. */
const inOrder = (ids: ReadonlySet<string>) => [
  ...[...KNOWN].filter((id) => ids.has(id)),
  ...[...ids].filter((id) => !KNOWN.has(id)),
];

function abbreviated(names: readonly string[]): string {
  const rest = names.length - 3;
  return names.slice(0, 3).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Escapes characters that Markdown would interpret as markup. */
const escaped = (text: string) => text.replace(/[<*_]/g, "\\$&");
