/**
 * Regenerates all files in docs/data, one after the other, because each needs the whole machine: `npm run evidence`.
 * Takes several hours. Exit code 1 if a command fails; the other commands still run.
 */
import { spawnSync } from "node:child_process";

const COMMANDS: readonly (readonly string[])[] = [
  ["kill-matrix", "--thorough", "--json", "docs/data/kill-matrix.jsonl", "--quiet"],
  ["proof", "--fresh", "200", "--seed", "1", "--json", "docs/data/proof.json", "--quiet"],
  ["test:mutation"],
  ["bench", "--json", "docs/data/bench.json"],
  ["soak", "--json", "docs/data/soak.json", "--minutes", "600", "--quiet"],
];

const failed: string[] = [];
for (const [script = "", ...args] of COMMANDS) {
  console.log(`\n=== npm run ${script}`);
  // npm is a script on Windows, which needs a shell.
  const { status } = spawnSync("npm", ["run", "--silent", script, "--", ...args], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) failed.push(script);
}
console.log(failed.length === 0 ? "\nAll evidence files were generated." : `\nFailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
