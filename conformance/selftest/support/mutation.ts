/** Summarizes Stryker's report (`npm run test:mutation`) for the documentation. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentCommit, formatData } from "./data.js";

interface Mutant {
  status: string;
}

const root = join(import.meta.dirname, "../../..");
const { files } = JSON.parse(readFileSync(join(root, "reports/mutation.json"), "utf8")) as {
  files: Record<string, { mutants: Mutant[] }>;
};
const rows = Object.entries(files).map(([file, { mutants }]) => {
  const count = (...statuses: string[]) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const detected = count("Killed", "Timeout");
  const undetected = count("Survived", "NoCoverage");
  return { file, mutants: detected + undetected, detected, undetected, percent: percent(detected, undetected) };
});
const sum = (key: "detected" | "undetected") => rows.reduce((total, row) => total + row[key], 0);
const result = {
  date: new Date().toISOString(),
  commit: currentCommit(),
  node: process.versions.node,
  detected: sum("detected"),
  undetected: sum("undetected"),
  percent: percent(sum("detected"), sum("undetected")),
  files: rows,
};
writeFileSync(join(root, "docs/data/mutation.json"), formatData(result));
console.log(`${result.percent} % of ${result.detected + result.undetected} mutants were detected`);

function percent(detected: number, undetected: number): number {
  return Math.round((1000 * detected) / Math.max(1, detected + undetected)) / 10;
}
