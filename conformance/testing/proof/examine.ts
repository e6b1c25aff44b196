import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type Fault, startFaultyServer } from "../../../reference-server/faults/index.js";
import { groupByRequirement } from "../../report/blame.js";
import { run } from "../../run/run.js";
import type { Job } from "../../run/run-case.js";

/** What the suite said of one faulty server. */
export interface Examined {
  name: string;
  /** The requirement that it breaks; empty for the control, which breaks none. */
  requirement: string;
  about: string;
  /** A public thread in which a real system did this. */
  wild?: string;
  /** A case failed. */
  killed: boolean;
  /** The requirement that it breaks is among the blamed ones. */
  right: boolean;
  /** All blamed requirements, those that are most often a case's first finding at the front. */
  blamed: string[];
  /** The cases that failed, in the catalogue's order. */
  killedBy: string[];
  /** For each blamed requirement one finding, for whoever wonders. */
  findings: { requirement: string; case: string; message: string; actual: string }[];
  /** What went wrong in the suite itself, or was left open for another reason than its time. */
  errors: string[];
  seconds: number;
}

/**
 * How much of the suite each fault meets. `quick`: the cases about the broken requirement. `whole`: every case in one codec; those
 * that compute long only if they are about the broken requirement. `full`: every case in every codec. With the first two, the
 * others run as well if the broken requirement has not been blamed by then.
 */
export const EXTENTS = ["quick", "whole", "full"] as const;

export interface Extent {
  extent: (typeof EXTENTS)[number];
  /** Most seconds for one run of the suite. What has not ended by then is left open. */
  limit: number;
}

/** How many different seeds are tried on a fault that shows only when calls overlap. */
const TRIES_AT_A_RACE = 3;

/** Runs the suite against one faulty server, until the broken requirement is blamed or there are no more cases. */
export async function examine(fault: Fault, { extent, limit }: Extent): Promise<Examined> {
  const started = performance.now();
  const isAboutIt = (job: Job) => concerns(job, fault);
  const isOfTheWhole = (job: Job) => isAboutIt(job) || (!job.case.bulk && isOneCodec(job));
  const steps = { quick: [isAboutIt, isOfTheWhole, () => true], whole: [isOfTheWhole, () => true], full: [() => true] };
  const reports: Report[] = [];
  for (let seed = 1; seed <= (fault.race ? TRIES_AT_A_RACE : 1); seed += 1) {
    const done = new Set<string>();
    for (const isNext of steps[extent]) {
      const report = await runOnce(fault, (job) => !done.has(job.id) && isNext(job), seed, limit);
      reports.push(report);
      for (const { id } of report.cases) done.add(id);
      if (report.cases.some(({ findings }) => findings.some(({ requirement }) => requirement === fault.breaks)))
        return conclude(fault, reports, started);
    }
  }
  return conclude(fault, reports, started);
}

/** The case is about what is broken: then it runs however long it takes, in all codecs. */
const concerns = ({ case: { requirements } }: Job, { breaks }: Fault) =>
  (requirements as readonly string[]).includes(breaks);

/** Each case in one codec: in binary, unless it is about JSON. */
const isOneCodec = ({ codec, case: it }: Job) => codec === "proto" || it.codec === "json";

async function runOnce(fault: Fault, select: (job: Job) => boolean, seed: number, limit: number): Promise<Report> {
  const server = await startFaultyServer(fault, { fixtures: true });
  try {
    return await run({
      urls: server.urls,
      seed,
      concurrency: 16,
      // Slow cases wait rather than work; the few that there are run where they matter.
      slow: true,
      // To most faults a crash does nothing.
      ...(fault.crash === undefined ? {} : { restart: () => server.restart() }),
      select: (job) => select(job) && (!job.case.slow || concerns(job, fault)),
      signal: AbortSignal.timeout(limit * 1000),
    });
  } finally {
    await server.close(0);
  }
}

function conclude(fault: Fault, reports: readonly Report[], started: number): Examined {
  const cases = reports.flatMap((report) => report.cases);
  const failed = cases.filter(({ findings }) => findings.length > 0);
  const groups = groupByRequirement(cases);
  const blamed = groups.map(({ requirement }) => requirement);
  return {
    name: fault.name,
    requirement: fault.breaks,
    about: fault.about,
    ...(fault.wild === undefined ? {} : { wild: fault.wild }),
    killed: failed.length > 0,
    right: blamed.includes(fault.breaks),
    blamed,
    killedBy: [...new Set(failed.map(({ id }) => withoutCodec(id)))],
    findings: groups.flatMap(({ requirement, found: [best] }) =>
      best === undefined
        ? []
        : [{ requirement, case: best.case.id, message: best.finding.message, actual: best.finding.actual }],
    ),
    errors: [
      ...reports.flatMap(({ headline }) => (headline === "" ? [] : [headline])),
      ...cases.flatMap(({ id, outcome, reason }) => (outcome === Outcome.HARNESS_ERROR ? [`${id}: ${reason}`] : [])),
    ],
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

/** The id of a case, of which there is one for all codecs. */
export const withoutCodec = (id: string) => id.replace(/ \(json\)$/, "");
