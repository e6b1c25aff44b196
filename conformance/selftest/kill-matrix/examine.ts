import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../../cases/catalogue.js";
import { groupByRequirement } from "../../report/model/grouping.js";
import { type CaseRun, caseIdOf, caseRuns } from "../../run/case-run.js";
import { check } from "../../run/check.js";
import { type Mutant, startMutant } from "../mutants/index.js";

/** What the suite found about one mutant. */
export interface MutantResult {
  name: string;
  /** The requirement that the mutant breaks; empty for the control, which breaks none. */
  requirement: string;
  /** All blamed requirements, ordered as in a report: the most probable cause first. */
  blamedRequirements: string[];
  /** Cases that failed, in the catalogue's order. */
  killingCases: string[];
  /**
   * Expectations of cases that failed, as "case: REQUIREMENT". Violations that only the judge found are not among them.
   */
  failedExpectations: string[];
  /**
   * Those of `failedExpectations` whose cases are about the broken requirement, and that failed again when only these
   * cases ran. They must fail in later runs too.
   */
  baseline: string[];
  /** One finding for each blamed requirement. */
  findings: MutantFinding[];
  /** Errors of the suite itself. */
  errors: string[];
  seconds: number;
}

export interface MutantFinding {
  requirement: string;
  case: string;
  message: string;
  actual: string;
}

export const isKilled = ({ killingCases }: MutantResult) => killingCases.length > 0;

/** Whether the broken requirement is among the blamed ones. */
export const isBlamedCorrectly = ({ requirement, blamedRequirements }: MutantResult) =>
  blamedRequirements.includes(requirement);

/** Whether the broken requirement is the first one that a report shows: its violation explains the others. */
export const isBlamedFirst = ({ requirement, blamedRequirements: [first] }: MutantResult) => first === requirement;

/**
 * How many cases run against each mutant.
 * - `quick`: the cases about the broken requirement.
 * - `whole`: also every other case in one codec, except bulk cases.
 * - `full`: every case in every codec.
 *
 * While the broken requirement is not blamed, the remaining cases run as well, including the thorough ones about it.
 */
export const EXTENTS = ["quick", "whole", "full"] as const;

export interface ExamineOptions {
  extent: (typeof EXTENTS)[number];
  /** Maximum seconds for one run of the suite. Cases that have not ended by then are inconclusive. */
  limit: number;
}

/** All case runs against a server with both codecs. */
const CASE_RUNS = caseRuns(CATALOGUE, ["proto", "json"]);

/** A mutant, or the control, which breaks no requirement. */
export type Subject = Omit<Mutant, "breaks"> & { breaks: Mutant["breaks"] | "" };

/** Maximum number of seeds for a mutant that shows only when calls overlap. */
const RACE_ATTEMPTS = 3;
/** Maximum number of seeds until all wanted expectations have failed. */
const EXPECTATION_ATTEMPTS = 8;

/** Runs the suite against one mutant, to the given extent and until the broken requirement is blamed. */
export async function examine(subject: Subject, { extent, limit }: ExamineOptions): Promise<MutantResult> {
  const started = performance.now();
  const isAboutIt = (run: CaseRun) => concerns(run, subject);
  const isInWhole = (run: CaseRun) => isAboutIt(run) || (!run.case.bulk && isInOneCodec(run));
  // The cases about the requirement run first and alone: if a mutant delays every case, no time would be left for them.
  const steps: [matches: (run: CaseRun) => boolean, from: ExamineOptions["extent"] | undefined][] = [
    [(run) => isAboutIt(run) && !run.case.thorough, "quick"],
    [isAboutIt, undefined],
    [(run) => isInWhole(run) && !run.case.thorough, "whole"],
    [(run) => !run.case.thorough, "full"],
  ];
  const isDue = (from: ExamineOptions["extent"] | undefined) =>
    from !== undefined && EXTENTS.indexOf(from) <= EXTENTS.indexOf(extent);
  const reports: Report[] = [];
  for (let seed = 1; seed <= (subject.race ? RACE_ATTEMPTS : 1); seed += 1) {
    const done = new Set<string>();
    for (const [matches, from] of steps) {
      if (!isDue(from) && reports.some((report) => blames(report, subject))) continue;
      const next = new Set(CASE_RUNS.filter((run) => !done.has(run.id) && matches(run)).map(({ id }) => id));
      if (next.size === 0) continue;
      reports.push(await checkOnce(subject, ({ id }) => next.has(id), seed, limit));
      for (const id of next) done.add(id);
    }
    if (reports.some((report) => blames(report, subject))) break;
  }
  return resultOf(subject, reports, started);
}

/**
 * Runs only the cases of these expectations against one mutant, with further seeds until each expectation has failed.
 */
export async function reexamine(
  subject: Subject,
  expectations: readonly string[],
  { limit, attempts = EXPECTATION_ATTEMPTS }: { limit: number; attempts?: number | undefined },
): Promise<MutantResult> {
  const started = performance.now();
  const reports: Report[] = [];
  const missing = new Set(expectations);
  // All the cases run each time: some mutants show only when several cases run at once.
  const cases = new Set(expectations.map(caseOfExpectation));
  for (let seed = 2; missing.size > 0 && seed < 2 + attempts; seed += 1) {
    const report = await checkOnce(subject, (run) => cases.has(run.case.id), seed, limit);
    reports.push(report);
    for (const expectation of failedExpectationsOf(report)) missing.delete(expectation);
  }
  return resultOf(subject, reports, started);
}

/** Returns the case id of "case: REQUIREMENT". */
export const caseOfExpectation = (expectation: string) => expectation.slice(0, expectation.indexOf(":"));

const blames = ({ cases }: Report, { breaks }: Subject) =>
  cases.some(({ findings }) => findings.some(({ requirement }) => requirement === breaks));

const failedExpectationsOf = ({ cases }: Report): string[] =>
  cases.flatMap(({ id, findings }) =>
    findings.filter(({ byJudge }) => !byJudge).map(({ requirement }) => `${caseIdOf(id)}: ${requirement}`),
  );

/** Whether a case is about the broken requirement: such a case runs even if it is thorough, and in all codecs. */
export const concerns = ({ case: { requirements } }: Pick<CaseRun, "case">, { breaks }: { breaks: string }) =>
  (requirements as readonly string[]).includes(breaks);

/** Selects each case in one codec: binary, unless it is about JSON. */
const isInOneCodec = ({ codec, case: it }: CaseRun) => codec === "proto" || it.codec === "json";

async function checkOnce(
  subject: Subject,
  select: (run: CaseRun) => boolean,
  seed: number,
  limit: number,
): Promise<Report> {
  const server = await startMutant(subject, { fixtures: true });
  try {
    return await check({
      urls: server.urls,
      seed,
      concurrency: 16,
      thorough: true,
      // A crash changes nothing for most mutants, so it is not worth the time.
      ...(subject.crash === undefined ? {} : { restart: () => server.restart() }),
      select,
      signal: AbortSignal.timeout(limit * 1000),
    });
  } finally {
    await server.close(0);
  }
}

function resultOf(subject: Subject, reports: readonly Report[], started: number): MutantResult {
  const cases = reports.flatMap((report) => report.cases);
  const failed = cases.filter(({ findings }) => findings.length > 0);
  const groups = groupByRequirement(cases);
  return {
    name: subject.name,
    requirement: subject.breaks,
    blamedRequirements: groups.map(({ requirement }) => requirement),
    killingCases: [...new Set(failed.map(({ id }) => caseIdOf(id)))],
    failedExpectations: [...new Set(reports.flatMap(failedExpectationsOf))].sort(),
    baseline: [],
    findings: groups.flatMap(({ requirement, findings: [best] }) =>
      best === undefined
        ? []
        : [{ requirement, case: best.case.id, message: best.finding.message, actual: best.finding.actual }],
    ),
    errors: [
      ...reports.flatMap(({ headline }) => (headline === "" ? [] : [headline])),
      ...cases.flatMap(({ id, outcome, reason }) => (outcome === Outcome.ERROR ? [`${id}: ${reason}`] : [])),
    ],
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}
