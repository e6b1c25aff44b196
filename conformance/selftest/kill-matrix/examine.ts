import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../../cases/catalogue.js";
import { groupByRequirement } from "../../report/model/grouping.js";
import { jobsFor, run } from "../../run/run.js";
import type { CaseRun } from "../../run/run-case.js";
import { type Fault, startFaultyServer } from "../mutants/index.js";

/** What the suite said of one faulty server. */
export interface MutantResult {
  name: string;
  /** The requirement that it breaks; empty for the control, which breaks none. */
  requirement: string;
  about: string;
  /** A public thread in which a real system did this. */
  seenIn?: string;
  /** A case failed. */
  killed: boolean;
  /** The requirement that it breaks is among the blamed ones. */
  right: boolean;
  /** All blamed requirements, those that are most often a case's first finding at the front. */
  blamed: string[];
  /** The cases that failed, in the catalogue's order. */
  killedBy: string[];
  /** What cases themselves expected, as "case: REQUIREMENT": without that expectation the case would have let it pass, or left it to the judge. */
  own: string[];
  /** Those of `own` that came again when only the cases about the broken requirement ran: what an earlier matrix is held to. */
  baseline: string[];
  /** For each blamed requirement one finding, for whoever wonders. */
  findings: { requirement: string; case: string; message: string; actual: string }[];
  /** What went wrong in the suite itself, or was left open for another reason than its time. */
  errors: string[];
  seconds: number;
}

/**
 * How much of the suite each fault meets. `quick`: the cases about the broken requirement. `whole`: then every case in one codec;
 * those that compute long only if they are about the broken requirement. `full`: then every case in every codec. What is left of these
 * steps is taken as well if the broken requirement has not been blamed by then, and before it the slow cases about it.
 */
export const EXTENTS = ["quick", "whole", "full"] as const;

export interface Extent {
  extent: (typeof EXTENTS)[number];
  /** Most seconds for one run of the suite. What has not ended by then is left open. */
  limit: number;
}

/** What there is to run on a server that speaks both codecs. */
const JOBS = jobsFor(CATALOGUE, ["proto", "json"]);

/** A mutant, or the control, which breaks nothing. */
export type Examinee = Omit<Fault, "breaks"> & { breaks: Fault["breaks"] | "" };

/** How many different seeds are tried on a fault that shows only when calls overlap. */
const TRIES_AT_A_RACE = 3;
/** How many different seeds are tried until single cases catch what they have caught before. */
const TRIES_AT_SINGLE_CASES = 8;

/** Runs the suite against one faulty server, as far as it is to go, and until the broken requirement is blamed. */
export async function examine(fault: Examinee, { extent, limit }: Extent): Promise<MutantResult> {
  const started = performance.now();
  const isAboutIt = (job: CaseRun) => concerns(job, fault);
  const isOfTheWhole = (job: CaseRun) => isAboutIt(job) || (!job.case.bulk && isOneCodec(job));
  // What is about it comes first, and alone: where a fault makes each case wait, there is no time left for it behind all others.
  const steps: [isNext: (job: CaseRun) => boolean, from: Extent["extent"] | undefined][] = [
    [(job) => isAboutIt(job) && !job.case.slow, "quick"],
    [isAboutIt, undefined],
    [(job) => isOfTheWhole(job) && !job.case.slow, "whole"],
    [(job) => !job.case.slow, "full"],
  ];
  const isDue = (from: Extent["extent"] | undefined) =>
    from !== undefined && EXTENTS.indexOf(from) <= EXTENTS.indexOf(extent);
  const reports: Report[] = [];
  for (let seed = 1; seed <= (fault.race ? TRIES_AT_A_RACE : 1); seed += 1) {
    const done = new Set<string>();
    for (const [isNext, from] of steps) {
      if (!isDue(from) && reports.some((report) => blames(report, fault))) continue;
      const next = new Set(JOBS.filter((job) => !done.has(job.id) && isNext(job)).map(({ id }) => id));
      if (next.size === 0) continue;
      reports.push(await runOnce(fault, ({ id }) => next.has(id), seed, limit));
      for (const id of next) done.add(id);
    }
    if (reports.some((report) => blames(report, fault))) break;
  }
  return conclude(fault, reports, started);
}

/** Runs single cases against one faulty server, until each has caught it as it did before, by its own expectation. */
export async function examineAgain(
  fault: Examinee,
  wanted: readonly string[],
  { limit, tries = TRIES_AT_SINGLE_CASES }: { limit: number; tries?: number | undefined },
): Promise<MutantResult> {
  const started = performance.now();
  const reports: Report[] = [];
  const open = new Set(wanted);
  // Always all of them: some faults show only in company.
  const cases = new Set(wanted.map(caseOf));
  for (let seed = 2; open.size > 0 && seed < 2 + tries; seed += 1) {
    const report = await runOnce(fault, (job) => cases.has(job.case.id), seed, limit);
    reports.push(report);
    for (const found of ownOf(report)) open.delete(found);
  }
  return conclude(fault, reports, started);
}

/** The case of "case: REQUIREMENT". */
export const caseOf = (own: string) => own.slice(0, own.indexOf(":"));

const blames = ({ cases }: Report, { breaks }: Examinee) =>
  cases.some(({ findings }) => findings.some(({ requirement }) => requirement === breaks));

const ownOf = ({ cases }: Report): string[] =>
  cases.flatMap(({ id, findings }) =>
    findings.filter(({ byJudge }) => !byJudge).map(({ requirement }) => `${withoutCodec(id)}: ${requirement}`),
  );

/** The case is about what is broken: then it runs however long it takes, in all codecs. */
export const concerns = ({ case: { requirements } }: Pick<CaseRun, "case">, { breaks }: { breaks: string }) =>
  (requirements as readonly string[]).includes(breaks);

/** Each case in one codec: in binary, unless it is about JSON. */
const isOneCodec = ({ codec, case: it }: CaseRun) => codec === "proto" || it.codec === "json";

async function runOnce(
  fault: Examinee,
  select: (job: CaseRun) => boolean,
  seed: number,
  limit: number,
): Promise<Report> {
  const server = await startFaultyServer(fault, { fixtures: true });
  try {
    return await run({
      urls: server.urls,
      seed,
      concurrency: 16,
      slow: true,
      // To most faults a crash does nothing.
      ...(fault.crash === undefined ? {} : { restart: () => server.restart() }),
      select,
      signal: AbortSignal.timeout(limit * 1000),
    });
  } finally {
    await server.close(0);
  }
}

function conclude(fault: Examinee, reports: readonly Report[], started: number): MutantResult {
  const cases = reports.flatMap((report) => report.cases);
  const failed = cases.filter(({ findings }) => findings.length > 0);
  const groups = groupByRequirement(cases);
  const blamed = groups.map(({ requirement }) => requirement);
  return {
    name: fault.name,
    requirement: fault.breaks,
    about: fault.about,
    ...(fault.seenIn === undefined ? {} : { seenIn: fault.seenIn }),
    killed: failed.length > 0,
    right: blamed.includes(fault.breaks),
    blamed,
    killedBy: [...new Set(failed.map(({ id }) => withoutCodec(id)))],
    own: [...new Set(reports.flatMap(ownOf))].sort(),
    baseline: [],
    findings: groups.flatMap(({ requirement, found: [best] }) =>
      best === undefined
        ? []
        : [
            {
              requirement,
              case: best.case.id,
              message: best.finding.message,
              actual: best.finding.actual,
            },
          ],
    ),
    errors: [
      ...reports.flatMap(({ headline }) => (headline === "" ? [] : [headline])),
      ...cases.flatMap(({ id, outcome, reason }) => (outcome === Outcome.ERROR ? [`${id}: ${reason}`] : [])),
    ],
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

/** The id of a case, of which there is one for all codecs. */
export const withoutCodec = (id: string) => id.replace(/ \(json\)$/, "");
