import { CATALOGUE } from "../../cases/catalogue.js";
import { MECHANISMS } from "../support/mechanisms.js";
import { isBlamedCorrectly, isBlamedFirst, isKilled, type MutantResult } from "./examine.js";
import type { KindCounts } from "./matrix.js";

/** Formats one mutant, or the control, as a line. */
export function line(result: MutantResult): string {
  const { name, requirement, blamedRequirements, killingCases, killedBy, seconds } = result;
  if (requirement === "")
    return isKilled(result)
      ? `FALSE POSITIVE on the correct server, by ${killingCases.join(", ")}`
      : "passed   the correct server";
  const status = !isKilled(result) ? "SURVIVED" : isBlamedCorrectly(result) ? "killed  " : "MISBLAMED";
  const others = blamedRequirements.filter((id) => id !== requirement);
  const place = blamedRequirements.indexOf(requirement) + 1;
  const blame = place > 1 ? `shown at place ${place}, with` : place === 1 ? "also blamed" : "blamed";
  const also = others.length === 0 ? "" : `; ${blame}: ${abbreviated(others, 4)}`;
  const cases =
    killingCases.length > 1
      ? `by ${killingCases.length} cases, such as ${killingCases[0]}`
      : killingCases.map((id) => `by ${id}`).join("");
  const by = killedBy === "plain" ? cases : [killedBy, cases].filter((it) => it !== "").join(" ");
  return `${status.padEnd(9)} ${name.padEnd(40)} ${requirement.padEnd(22)} ${String(seconds).padStart(5)} s  ${by}${also}`;
}

const abbreviated = (names: readonly string[], most: number) =>
  names.slice(0, most).join(" ") + (names.length > most ? ` and ${names.length - most} more` : "");

/** Formats a line for each mutant, then the mutants with a wrong blame, the problems and the totals. */
export function table(
  mutants: readonly MutantResult[],
  problems: readonly string[],
  kinds: readonly KindCounts[] = [],
): string {
  const misblamed = mutants.filter((it) => isKilled(it) && !isBlamedCorrectly(it));
  const notFirst = mutants.filter((it) => isBlamedCorrectly(it) && !isBlamedFirst(it));
  const killing = new Set(mutants.flatMap(({ killingCases }) => killingCases));
  return [
    ...mutants.map(line),
    "",
    ...(misblamed.length === 0
      ? []
      : ["Killed, but the broken requirement is not blamed:", ...misblamed.flatMap(explanation), ""]),
    ...(notFirst.length === 0
      ? []
      : [
          "The broken requirement is blamed, but another one is shown first:",
          ...notFirst.map(
            ({ name, requirement, blamedRequirements: blamed }) =>
              `  ${name}: ${blamed[0]} first, ${requirement} at place ${blamed.indexOf(requirement) + 1}`,
          ),
          "",
        ]),
    ...problems,
    ...(kinds.length === 0 ? [] : [...kindTable(kinds), ""]),
    `${mutants.filter(isKilled).length} of ${mutants.length} mutants killed; ` +
      `broken requirement blamed for ${mutants.filter(isBlamedCorrectly).length}, ` +
      `and shown first for ${shareOf(mutants, isBlamedFirst)}; ` +
      `${killing.size} of ${CATALOGUE.length} cases kill at least one.`,
  ].join("\n");
}

/** The mutants by kind, and by the cheapest mechanism that killed them. */
function kindTable(kinds: readonly KindCounts[]): string[] {
  const row = (cells: readonly (string | number)[]) =>
    cells.map((it, at) => (at === 0 ? String(it).padEnd(12) : String(it).padStart(9))).join("");
  return [
    row(["kind", "mutants", ...MECHANISMS, "survived"]),
    ...kinds.map((it) =>
      row([it.kind || "(none)", it.mutants, ...MECHANISMS.map((mechanism) => it.killedBy[mechanism]), it.survived]),
    ),
  ];
}

function shareOf(mutants: readonly MutantResult[], matches: (mutant: MutantResult) => boolean): string {
  const { length } = mutants.filter(matches);
  return `${length} (${((100 * length) / Math.max(mutants.length, 1)).toFixed(1)} %)`;
}

function explanation({ name, requirement, findings }: MutantResult): string[] {
  return [
    `  ${name} breaks ${requirement}; blamed:`,
    ...findings.slice(0, 3).map((it) => `    ${it.requirement} by ${it.case}: ${it.message} (${it.actual})`),
  ];
}
