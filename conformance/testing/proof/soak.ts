import { cpus, platform, release } from "node:os";
import { spread } from "./pool.js";
import { RIGHT } from "./right.js";
import type { Endured, Task } from "./soak-worker.js";

/** What many runs against right servers have shown. Any failure is a false alarm. */
export interface Soak {
  date: string;
  machine: string;
  /** Runs at the same time, each in a process of its own: more than the machine has processors, so that each has to wait for one. */
  runsAtOnce: number;
  seconds: number;
  servers: { name: string; runs: number; cases: number; falseAlarms: number; inconclusive: number }[];
  /** What was said against a right server. */
  falseAlarms: string[];
}

export interface SoakOptions {
  /** How often each server is met, each time with another seed. */
  rounds: number;
  /** No further run begins after this time. */
  minutes: number;
  processes: number;
  /** Which servers. Default: all. */
  only?: RegExp | undefined;
}

/** Runs the whole suite against each right server, round after round with other seeds, on a machine that is kept busy by that. */
export async function soak(
  { rounds, minutes, processes, only }: SoakOptions,
  onRun: (line: string, soFar: Soak) => void,
): Promise<Soak> {
  const started = Date.now();
  const names = RIGHT.map(({ name }) => name).filter((name) => only?.test(name) ?? true);
  const servers = new Map(names.map((name) => [name, { name, runs: 0, cases: 0, falseAlarms: 0, inconclusive: 0 }]));
  const falseAlarms: string[] = [];
  const soFar = (): Soak => ({
    date: new Date(started).toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${platform()} ${release()}, Node ${process.versions.node}`,
    runsAtOnce: processes,
    seconds: Math.round((Date.now() - started) / 1000),
    servers: [...servers.values()],
    falseAlarms,
  });
  const tasks = Array.from({ length: rounds }, (_, round) => names.map((name) => ({ name, seed: round + 1 }))).flat();
  const isOver = () => Date.now() - started > minutes * 60_000;
  const pool = { worker: "./soak-worker.ts", processes, atOnce: 1, isOver };
  await spread<Task, Endured>(tasks, pool, (endured, { name, seed }) => {
    const tally = servers.get(name);
    if (tally === undefined) return;
    tally.runs += 1;
    tally.cases += endured.cases;
    tally.inconclusive += endured.inconclusive;
    tally.falseAlarms += endured.falseAlarms.length;
    falseAlarms.push(...endured.falseAlarms);
    onRun(`round ${seed}, ${name}: ${endured.cases} cases, ${tally.falseAlarms} false alarms so far`, soFar());
  });
  return soFar();
}
