import { cpus, platform, release } from "node:os";
import { currentCommit } from "../support/data.js";
import { runTasks } from "../support/pool.js";
import { CONFORMING_SERVERS } from "./conforming-servers.js";
import type { SoakRun, Task } from "./worker.js";

/** The result of many runs against conforming servers. Each failure in them is a false positive. */
export interface Soak {
  /** The parts of the soak: it takes hours, and may be run in parts. */
  parts: SoakPart[];
  servers: { name: string; runs: number; cases: number; falsePositives: number; inconclusive: number }[];
  /** Failures against a conforming server, as "server, seed: case: REQUIREMENT (actual)". */
  falsePositives: string[];
  /** False positives of earlier parts that have been fixed. Their runs do not count, and were repeated. */
  fixed?: string[];
}

interface SoakPart {
  /** Start, in ISO 8601. */
  date: string;
  /** The commit of the code that ran, or "unknown". */
  commit: string;
  machine: string;
  /**
   * Runs at the same time, each in its own process: more than the machine has processors, so that the processes
   * compete.
   */
  concurrentRuns: number;
  runs: number;
  seconds: number;
}

export interface SoakOptions {
  /** Number of runs against each server. */
  rounds: number;
  /** Seed of the first round. Each round has the next one. */
  seed: number;
  /** Time after which no run starts, in minutes. */
  minutes: number;
  processes: number;
  /** Selects servers by name. Default: all. */
  only?: readonly RegExp[] | undefined;
  /** Result of earlier parts, which this part continues. */
  earlier?: Soak | undefined;
}

/**
 * Runs the whole suite against each conforming server, round after round with other seeds, while all processors are
 * busy.
 */
export async function soak(
  { rounds, seed: firstSeed, minutes, processes, only, earlier }: SoakOptions,
  onRun: (line: string, soFar: Soak) => void,
): Promise<Soak> {
  const started = Date.now();
  const zero = { runs: 0, cases: 0, falsePositives: 0, inconclusive: 0 };
  const servers = CONFORMING_SERVERS.filter(({ name }) => only?.some((pattern) => pattern.test(name)) ?? true).map(
    ({ name }) => ({
      name,
      ...zero,
      ...earlier?.servers.find((it) => it.name === name),
    }),
  );
  const part: SoakPart = {
    date: new Date(started).toISOString(),
    commit: currentCommit(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${platform()} ${release()}, Node ${process.versions.node}`,
    concurrentRuns: processes,
    runs: 0,
    seconds: 0,
  };
  const falsePositives = [...(earlier?.falsePositives ?? [])];
  const fixed = earlier?.fixed === undefined ? {} : { fixed: earlier.fixed };
  const result: Soak = { parts: [...(earlier?.parts ?? []), part], servers, falsePositives, ...fixed };
  const tasks = Array.from({ length: rounds }, (_, round) =>
    servers.filter(({ runs }) => runs <= round).map(({ name }) => ({ name, seed: firstSeed + round })),
  ).flat();
  const shouldStop = () => Date.now() - started > minutes * 60_000;
  const pool = { worker: "soak/worker", processes, tasksPerProcess: 1, shouldStop };
  await runTasks<Task, SoakRun>(tasks, pool, (run, { name, seed }) => {
    const tally = servers.find((it) => it.name === name);
    if (tally === undefined) return;
    tally.runs += 1;
    tally.cases += run.cases;
    tally.inconclusive += run.inconclusive;
    tally.falsePositives += run.falsePositives.length;
    falsePositives.push(...run.falsePositives);
    part.runs += 1;
    part.seconds = Math.round((Date.now() - started) / 1000);
    onRun(`seed ${seed}, ${name}: ${run.cases} cases, ${tally.falsePositives} false positives so far`, result);
  });
  return result;
}
