import { availableParallelism, cpus, platform, release } from "node:os";
import { Worker } from "node:worker_threads";
import { start as startConnect } from "../../../docs/guides/connect/server.js";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../../reference-server/index.js";
import { run } from "../../run/run.js";
import { NARROW, ODDITIES } from "../oddities.js";
import type { Running } from "../serve.js";

/** What many runs against right servers have shown. Any failure is a false alarm. */
export interface Soak {
  date: string;
  machine: string;
  /** Loops that kept the processors busy meanwhile. */
  busyLoops: number;
  seconds: number;
  servers: { name: string; runs: number; cases: number; falseAlarms: number; inconclusive: number }[];
  /** What was said against a right server. */
  falseAlarms: string[];
}

/** Right servers: the reference server, the one that shares no code with it, and everything odd that is allowed. */
const RIGHT: readonly { name: string; start(): Promise<Running> }[] = [
  {
    name: "reference server",
    start: async () => {
      const server = await startReferenceServer({ fixtures: true });
      return { url: server.url, stop: () => server.close(0) };
    },
  },
  { name: "Connect library server", start: () => startConnect({ fixtures: true }) },
  ...[...ODDITIES, ...NARROW],
];

/** Runs the whole suite against each right server, round after round with other seeds, on a machine that is kept busy. */
export async function soak(
  rounds: number,
  minutes: number,
  only: RegExp | undefined,
  onRun: (line: string) => void,
): Promise<Soak> {
  const loops = Array.from({ length: availableParallelism() }, () => new Worker("for (;;) ;", { eval: true }));
  const started = Date.now();
  const chosen = RIGHT.filter(({ name }) => only?.test(name) ?? true);
  const servers = new Map(
    chosen.map(({ name }) => [name, { name, runs: 0, cases: 0, falseAlarms: 0, inconclusive: 0 }]),
  );
  const falseAlarms: string[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const { name, start } of chosen) {
        if (Date.now() - started > minutes * 60_000) break;
        const tally = servers.get(name);
        if (tally === undefined) continue;
        const server = await start();
        const report = await run({ urls: [server.url], seed: round });
        await server.stop();
        tally.runs += 1;
        tally.cases += report.cases.length;
        for (const { id, outcome, findings, reason } of report.cases) {
          if (outcome === Outcome.INCONCLUSIVE) tally.inconclusive += 1;
          if (outcome !== Outcome.FAIL && outcome !== Outcome.HARNESS_ERROR) continue;
          tally.falseAlarms += 1;
          falseAlarms.push(
            `${name}, seed ${round}: ${id}: ${findings.map(({ requirement, actual }) => `${requirement} (${actual})`).join(", ") || reason}`,
          );
        }
        onRun(`round ${round}, ${name}: ${report.cases.length} cases, ${tally.falseAlarms} false alarms so far`);
      }
    }
  } finally {
    await Promise.all(loops.map((loop) => loop.terminate()));
  }
  return {
    date: new Date(started).toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "processor"}, ${platform()} ${release()}, Node ${process.versions.node}`,
    busyLoops: loops.length,
    seconds: Math.round((Date.now() - started) / 1000),
    servers: [...servers.values()],
    falseAlarms,
  };
}
