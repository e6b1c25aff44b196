import type { MutantResult } from "./examine.js";
import type { Matrix } from "./matrix.js";

/** One line for a faulty server. */
export function line({ name, requirement, killed, right, blamed, killedBy, seconds }: MutantResult): string {
  if (requirement === "") return `${killed ? `FALSE ALARM of ${killedBy.join(", ")}` : "clean "} on the right server`;
  const mark = !killed ? "ALIVE " : right ? "killed" : "wrong ";
  const others = blamed.filter((id) => id !== requirement);
  const also = others.length === 0 ? "" : `; ${right ? "also" : "blames"} ${shown(others, 4)}`;
  const by = killed ? `by ${killedBy.length}, such as ${killedBy[0]}` : "";
  return `${mark} ${name.padEnd(40)} ${requirement.padEnd(22)} ${String(seconds).padStart(5)} s  ${by}${also}`;
}

const shown = (names: readonly string[], most: number) =>
  names.slice(0, most).join(" ") + (names.length > most ? ` and ${names.length - most} more` : "");

/** The matrix for people: a line for each fault, then what is missing. */
export function table({ mutants: faults, counts }: Matrix, missing: readonly string[]): string {
  const wrong = faults.filter(({ killed, right }) => killed && !right);
  return [
    ...faults.map(line),
    "",
    ...(wrong.length === 0 ? [] : ["Caught, but with another blame:", ...wrong.flatMap(explain), ""]),
    ...missing,
    `${counts.killed} of ${counts.faults} faulty servers caught, ${counts.right} with the right blame; ` +
      `${counts.cases - counts.idle} of ${counts.cases} cases catch at least one.`,
  ].join("\n");
}

function explain({ name, requirement, findings }: MutantResult): string[] {
  return [
    `  ${name} breaks ${requirement}; blamed:`,
    ...findings.slice(0, 3).map((it) => `    ${it.requirement} by ${it.case}: ${it.message} (${it.actual})`),
  ];
}
