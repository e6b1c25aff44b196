import { execFileSync } from "node:child_process";
import { cpus, platform, release } from "node:os";
import { spread } from "../kill-matrix/pool.js";
import { RIGHT } from "./conforming-servers.js";
import type { Endured, Task } from "./soak-worker.js";

/** What many runs against right servers have shown. Any failure is a false alarm. */
export interface Soak {
  /** It takes hours, and may be done in parts. */
  parts: Part[];
  servers: { name: string; runs: number; cases: number; falseAlarms: number; inconclusive: number }[];
  /** What was said against a right server. */
  falseAlarms: string[];
  /** What earlier parts had found that was mended since: these runs do not count, and were made again. */
  mended?: string[];
}

interface Part {
  date: string;
  /** The commit that ran, or "unknown". */
  suite: string;
  machine: string;
  /** Runs at the same time, each in a process of its own: more than the machine has processors, so that each has to wait for one. */
  runsAtOnce: number;
  runs: number;
  seconds: number;
}

export interface SoakOptions {
  /** How often each server is met in all, each time with another seed: the number of the round. */
  rounds: number;
  /** No further run begins after this time. */
  minutes: number;
  processes: number;
  /** Which servers. Default: all. */
  only?: RegExp | undefined;
  /** What an earlier part has shown, to go on from there. */
  earlier?: Soak | undefined;
}

/** Runs the whole suite against each right server, round after round with other seeds, on a machine that is kept busy by that. */
export async function soak(
  { rounds, minutes, processes, only, earlier }: SoakOptions,
  onRun: (line: string, soFar: Soak) => void,
): Promise<Soak> {
  const started = Date.now();
  const none = { runs: 0, cases: 0, falseAlarms: 0, inconclusive: 0 };
  const servers = RIGHT.filter(({ name }) => only?.test(name) ?? true).map(({ name }) => ({
    name,
    ...none,
    ...earlier?.servers.find((it) => it.name === name),
  }));
  const part: Part = {
    date: new Date(started).toISOString(),
    suite: commit(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${platform()} ${release()}, Node ${process.versions.node}`,
    runsAtOnce: processes,
    runs: 0,
    seconds: 0,
  };
  const falseAlarms = [...(earlier?.falseAlarms ?? [])];
  const mended = earlier?.mended === undefined ? {} : { mended: earlier.mended };
  const result: Soak = { parts: [...(earlier?.parts ?? []), part], servers, falseAlarms, ...mended };
  const tasks = Array.from({ length: rounds }, (_, round) =>
    servers.filter(({ runs }) => runs <= round).map(({ name }) => ({ name, seed: round + 1 })),
  ).flat();
  const isOver = () => Date.now() - started > minutes * 60_000;
  const pool = { worker: "soak-worker", processes, atOnce: 1, isOver };
  await spread<Task, Endured>(tasks, pool, (endured, { name, seed }) => {
    const tally = servers.find((it) => it.name === name);
    if (tally === undefined) return;
    tally.runs += 1;
    tally.cases += endured.cases;
    tally.inconclusive += endured.inconclusive;
    tally.falseAlarms += endured.falseAlarms.length;
    falseAlarms.push(...endured.falseAlarms);
    part.runs += 1;
    part.seconds = Math.round((Date.now() - started) / 1000);
    onRun(`round ${seed}, ${name}: ${endured.cases} cases, ${tally.falseAlarms} false alarms so far`, result);
  });
  return result;
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    }).trim();
  } catch {
    return "unknown";
  }
}
