import type { Mechanism } from "../support/mechanisms.js";
import { type ProofResult, type Why, whySurvived } from "./examine.js";
import { countsOf } from "./proof-file.js";

/** Formats one mutant as a line. */
export function line(result: ProofResult): string {
  const { nr, about, killedBy, isBlamedRightly, breaks, attempts } = result;
  const last = attempts.at(-1);
  const status = killedBy === "" ? `SURVIVED (${whySurvived(result)})` : isBlamedRightly ? killedBy : "MISBLAMED";
  const blamed = killedBy !== "" && !isBlamedRightly ? `; blamed: ${blamedOf(result).join(" ")}` : "";
  const counts = `${last?.fired ?? 0} of ${last?.occasions ?? 0}, shown ${last?.shown ?? 0}`;
  const timedOut = attempts.reduce((sum, it) => sum + it.timedOut, 0);
  const busy = timedOut === 0 ? "" : `; ${timedOut} cases ran out of time`;
  const seconds = attempts.reduce((sum, it) => sum + it.seconds, 0).toFixed(0);
  return `${status.padEnd(18)} ${String(nr).padStart(4)} ${about} [${breaks.join(" ")}; ${counts}; ${seconds} s${busy}]${blamed}`;
}

const blamedOf = ({ attempts }: ProofResult) => [...new Set(attempts.flatMap(({ blamed }) => blamed))];

const EXPLAINED: Readonly<Record<Why, string>> = {
  shown: "Survived, though a client could see the fault:",
  unseen: "Survived: the fault occurred, but no client made the call that shows it:",
  never: "Survived: the fault never occurred:",
};

/** Formats the survivors by class, those with a wrong blame, and the totals. */
export function table(results: readonly ProofResult[], seed: number, mechanisms: readonly Mechanism[]): string {
  const survivors = results.filter(({ killedBy }) => killedBy === "");
  const misblamed = results.filter(({ killedBy, isBlamedRightly }) => killedBy !== "" && !isBlamedRightly);
  const section = (title: string, list: readonly ProofResult[]) =>
    list.length === 0 ? [] : [title, ...list.map((it) => `  ${line(it)}`), ""];
  const { mutants, killed, blamedRightly } = countsOf(results);
  const by = mechanisms.map((it) => `${it} ${results.filter(({ killedBy }) => killedBy === it).length}`);
  return [
    ...(["shown", "unseen", "never"] as const).flatMap((why) =>
      section(
        EXPLAINED[why],
        survivors.filter((it) => whySurvived(it) === why),
      ),
    ),
    ...section("Killed, but no requirement that the mutant violates is blamed:", misblamed),
    ...results.flatMap(({ nr, errors }) => errors.map((error) => `suite error: ${nr}: ${error}`)),
    `Seed ${seed}: ${killed} of ${mutants} fresh mutants killed (${share(killed, mutants)}): ${by.join(", ")}; ` +
      `right blame for ${blamedRightly} of these (${share(blamedRightly, killed)}).`,
    // What the suite never brought about says nothing about what it notices.
    ...noticed(results),
  ].join("\n");
}

function noticed(results: readonly ProofResult[]): string[] {
  const { killed, shown } = countsOf(results);
  return [
    `Of the ${killed + shown} whose fault a client could see, ${killed} were killed (${share(killed, killed + shown)}).`,
  ];
}

const share = (part: number, whole: number) => `${((100 * part) / Math.max(whole, 1)).toFixed(0)} %`;
