import "../../../proto/base64.js";
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { count, exitWithUsage, oneOf, parseCommandLine } from "../support/command-line.js";
import { MECHANISMS } from "../support/mechanisms.js";
import { runTasks } from "../support/pool.js";
import type { ProofResult, Task } from "./examine.js";
import { freshMutant } from "./fresh-mutant.js";
import { PROOF_FILE, proofOf, writeProof } from "./proof-file.js";
import { line, table } from "./table.js";

const USAGE = `Usage: npm run proof -- --fresh N [options]

Makes N new mutants that nobody has written or tuned the suite to, and runs the suite against them: first \`check\`, then
\`check --thorough\`, then \`explore\`, each only if the one before did not blame the right requirement. A mutant combines a
condition (a content, a count, a time, a form of the request, a codec, an event before) with an effect (a message lost,
doubled, reordered, altered, late or misattributed, a wrong number, a wrong code). Its server counts how often the fault
occurred, and how often a client could see it.

Options:
  --fresh N             number of mutants
  --seed S              seed of the mutants (default: random)
  --only NR             only the mutant with this number; repeatable
  --mechanism NAME      one of ${MECHANISMS.join(", ")}; repeatable (default: varied, thorough, explore)
  --list                print the mutants, and run nothing
  --json FILE           write the result as JSON (for the documentation: ${PROOF_FILE})
  --processes N         number of processes (default: one for each core)
  --limit SECONDS       maximum time for each mechanism (default: 600)
  --quiet               print no progress
  --help                print this help

Exit codes:
  0  the mutants were run; survivors are no failure, but what this is for
  1  an error of the suite
  2  invalid usage`;

const flags = parseCommandLine(USAGE, {
  fresh: { type: "string" },
  seed: { type: "string" },
  only: { type: "string", multiple: true },
  mechanism: { type: "string", multiple: true, default: ["varied", "thorough", "explore"] },
  list: { type: "boolean", default: false },
  json: { type: "string" },
  processes: { type: "string", default: `${availableParallelism()}` },
  limit: { type: "string", default: "600" },
  quiet: { type: "boolean", default: false },
});
if (flags.fresh === undefined) exitWithUsage("--fresh N is needed: the number of mutants");
const size = count("fresh", flags.fresh);
const seed = flags.seed === undefined ? randomBytes(4).readUInt32LE() : Number(flags.seed);
if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
  exitWithUsage("--seed must be an integer from 0 to 4294967295");
const only = flags.only?.map((nr) => count("only", nr));
const mechanisms = MECHANISMS.filter((it) =>
  flags.mechanism.map((name) => oneOf("mechanism", name, MECHANISMS)).includes(it),
);
const limit = count("limit", flags.limit);
const processes = count("processes", flags.processes);

/** Mutants that one process examines at a time: waiting costs no time of the processor. */
const TASKS_PER_PROCESS = 2;

const numbers = Array.from({ length: size }, (_, at) => at + 1).filter((nr) => only?.includes(nr) ?? true);
if (flags.list)
  for (const nr of numbers) {
    const { about, breaks } = freshMutant(seed, nr);
    console.log(`${String(nr).padStart(4)} ${about} [${breaks.join(" ")}]`);
  }
else process.exitCode = await prove();

/** Examines the mutants, prints and writes the result, and returns the exit code. */
async function prove(): Promise<number> {
  const started = new Date();
  const results: ProofResult[] = [];
  await runTasks<Task, ProofResult>(
    numbers.map((nr) => ({ seed, nr, mechanisms, limit })),
    { worker: "proof/worker", processes, tasksPerProcess: TASKS_PER_PROCESS },
    (result) => {
      results.push(result);
      if (!flags.quiet) console.error(line(result));
    },
  );
  results.sort((a, b) => a.nr - b.nr);
  const seconds = Math.round((Date.now() - started.getTime()) / 1000);
  if (flags.json !== undefined)
    writeProof(flags.json, proofOf(results, { date: started.toISOString(), seed, seconds, mechanisms }));
  console.log(`${table(results, seed, mechanisms)}\n${seconds} s`);
  return results.some(({ errors }) => errors.length > 0) ? 1 : 0;
}
