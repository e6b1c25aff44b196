/** Prints the results of the simulation for `docs/guides/scale.md`: `npx tsx docs/guides/scale/main.ts [seeds]`. */
import { CORRECT, FAULTY } from "./design.js";
import { type Run, simulate } from "./simulate.js";

const seeds = Number(process.argv[2] ?? 500);
if (!Number.isInteger(seeds) || seeds < 1) throw new Error("the number of seeds must be a whole number from 1");

const started = performance.now();
const runsOf = (design: Parameters<typeof simulate>[0]) =>
  Array.from({ length: seeds }, (_, index) => simulate(design, index + 1));
const total = (runs: readonly Run[], of: (run: Run) => number) => runs.reduce((sum, run) => sum + of(run), 0);
const sum = (...args: Parameters<typeof total>) => total(...args).toLocaleString("en");
/** Returns the requirements that most runs blame, with the number of runs. */
const tally = (runs: readonly Run[]) => {
  const counts = new Map<string, number>();
  for (const { findings } of runs) {
    for (const id of new Set(findings.map((it) => it.requirement))) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return sorted.map(([id, count]) => `${id} ${count}`).join(", ");
};
const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);

row("correct design", "seeds", "operations", "to the hottest inbox", "moves", "crashes", "losses", "findings");
row("---", "--:", "--:", "--:", "--:", "--:", "--:", "--:");
for (const design of CORRECT) {
  const runs = runsOf(design);
  row(
    design.name,
    seeds,
    sum(runs, (it) => it.operations),
    `${Math.round((100 * total(runs, (it) => it.hottest)) / total(runs, (it) => it.letters))} % of Sends`,
    sum(runs, (it) => it.handedOver + it.takenOver),
    sum(runs, (it) => it.crashes),
    sum(runs, (it) => it.losses),
    sum(runs, (it) => it.findings.length),
  );
}
console.log();
row("faulty design", "seeds with findings", "right requirement blamed", "blamed most often");
row("---", "--:", "--:", "---");
for (const design of FAULTY) {
  const detected = runsOf(design).filter((it) => it.findings.length > 0);
  const right = detected.filter(({ findings }) => findings.some((it) => design.breaks.includes(it.requirement)));
  row(design.name, detected.length, right.length, tally(detected));
}
console.error(`${((performance.now() - started) / 1000).toFixed(1)} s`);
