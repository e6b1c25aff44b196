import "../../../proto/base64.js";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { count, parseCommandLine, patterns } from "../support/command-line.js";
import { formatData } from "../support/data.js";
import { type Soak, soak } from "./soak.js";

/** Processes for each core: more than one, so that they compete for it. */
const PROCESSES_PER_CORE = 3;

const USAGE = `Usage: npm run soak -- [options]

Runs the whole suite against conforming servers, many times with different seeds, while all processors are busy.
Each failure is a false positive of the suite.

Options:
  --only PATTERN   only servers whose name matches this regular expression; repeatable
  --rounds N       number of runs against each server, each with another seed (default: 100)
  --seed N         seed of the first round; "random" is another server for each seed (default: 1)
  --minutes N      start no run after this time (default: 60)
  --processes N    number of processes, each with one run (default: ${PROCESSES_PER_CORE} for each core)
  --json FILE      write the result, after each run
  --continue FILE  continue the soak with this result, and add to it
  --quiet          print no progress
  --help           print this help

Exit codes:
  0  no false positives
  1  false positives
  2  invalid usage`;

const flags = parseCommandLine(USAGE, {
  only: { type: "string", multiple: true },
  rounds: { type: "string", default: "100" },
  seed: { type: "string", default: "1" },
  minutes: { type: "string", default: "60" },
  processes: { type: "string", default: `${PROCESSES_PER_CORE * availableParallelism()}` },
  json: { type: "string" },
  continue: { type: "string" },
  quiet: { type: "boolean", default: false },
});

const result = await soak(
  {
    rounds: count("rounds", flags.rounds),
    seed: count("seed", flags.seed),
    minutes: count("minutes", flags.minutes),
    processes: count("processes", flags.processes),
    only: patterns("only", flags.only),
    earlier: flags.continue === undefined ? undefined : (JSON.parse(readFileSync(flags.continue, "utf8")) as Soak),
  },
  (line, soFar) => {
    write(soFar);
    if (!flags.quiet) console.error(line);
  },
);
write(result);
for (const { name, runs, cases, falsePositives, inconclusive } of result.servers)
  console.log(`${name}: ${runs} runs, ${cases} cases, ${falsePositives} false positives, ${inconclusive} inconclusive`);
for (const falsePositive of result.falsePositives) console.log(falsePositive);
process.exitCode = result.falsePositives.length === 0 ? 0 : 1;

/** Writes the results so far, because a soak takes hours and may be stopped. */
function write(soFar: Soak): void {
  if (flags.json !== undefined) writeFileSync(flags.json, formatData(soFar));
}
