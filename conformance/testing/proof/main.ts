import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { FAULTS } from "../../../reference-server/faults/index.js";
import type { Examined } from "./examine.js";
import { matrixOf, shortcomings } from "./matrix.js";
import { examineAll } from "./pool.js";
import { line, table } from "./table.js";

const USAGE = `npm run proof -- [options]
Runs the suite against every faulty server of the zoo. Exit code 1 if one is not caught, or if the blame is right too seldom.

  --only PATTERN   only faults whose name or requirement matches this regular expression; again for more
  --full           every case in every codec against every fault; by default cases that compute long run only where they matter
  --json FILE      write the matrix
  --processes N    default: one for each core
  --limit SECONDS  most time for one run of the suite, default 60
  --quiet          no line for each fault as it ends`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    full: { type: "boolean", default: false },
    json: { type: "string" },
    processes: { type: "string", default: String(availableParallelism()) },
    limit: { type: "string", default: "60" },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(USAGE);
else process.exitCode = await prove();

async function prove(): Promise<number> {
  const patterns = flags.only?.map((pattern) => new RegExp(pattern));
  const chosen = FAULTS.filter(
    ({ name, breaks }) => patterns?.some((pattern) => pattern.test(name) || pattern.test(breaks)) ?? true,
  );
  const examined = new Map<string, Examined>();
  const started = performance.now();
  const extent = { full: flags.full, limit: Number(flags.limit) };
  await examineAll(["", ...chosen.map(({ name }) => name)], extent, Number(flags.processes), (it) => {
    examined.set(it.name, it);
    if (!flags.quiet) console.error(line(it));
  });
  // In the order of the zoo, whatever ended first.
  const matrix = matrixOf(
    chosen.flatMap(({ name }) => examined.get(name) ?? []),
    examined.get("control"),
  );
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(matrix, null, 2)}\n`);
  console.log(table(matrix));
  console.log(`${Math.round((performance.now() - started) / 1000)} s`);
  return shortcomings(matrix).length === 0 ? 0 : 1;
}
