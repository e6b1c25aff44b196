import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CATALOGUE } from "../../cases/catalogue.js";
import { groupByRequirement } from "../../report/model/grouping.js";
import { type CaseRun, caseIdOf, caseRuns } from "../../run/case-run.js";
import { check } from "../../run/check.js";
import { explore } from "../../run/explore.js";
import { type Mutant, type MutantServer, startMutant } from "../mutants/index.js";
import { MECHANISMS, type Mechanism, PROGRAMS } from "../support/mechanisms.js";

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
  /** The mechanisms that ran, the cheapest first. */
  tried: Mechanism[];
  /**
   * The cheapest mechanism that blamed the broken requirement; if none did, the cheapest that found anything. "" if the
   * mutant survived.
   */
  killedBy: Mechanism | "";
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

export const isKilled = ({ killedBy }: MutantResult) => killedBy !== "";

/** Whether a mutant shows only in a thorough run, which takes minutes. */
export const needsThorough = ({ kind }: Pick<Subject, "kind">) => kind === "volumes" || kind === "times";

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
 * While the broken requirement is not blamed, the remaining cases run as well, including the thorough ones about it; then
 * random programs, for mutants of the kinds "mixtures" and "crashes". With `thorough` every mutant that is not blamed so
 * far gets all thorough cases, and random programs.
 */
export const EXTENTS = ["quick", "whole", "full"] as const;

export interface ExamineOptions {
  extent: (typeof EXTENTS)[number];
  /** Maximum seconds for one run of the suite. Cases that have not ended by then are inconclusive. */
  limit: number;
  /** Whether all mechanisms run that it takes, even if they take minutes. */
  thorough: boolean;
}

/** All case runs against a server with both codecs. */
const CASE_RUNS = caseRuns(CATALOGUE, ["proto", "json"]);

/** A mutant, or the control, which breaks no requirement. */
export type Subject = Omit<Mutant, "breaks"> & { breaks: Mutant["breaks"] | "" };

/** Maximum number of seeds for a mutant that shows only when calls overlap. */
const RACE_ATTEMPTS = 3;
/** Maximum number of seeds until all wanted expectations have failed. */
const EXPECTATION_ATTEMPTS = 8;

/** Maximum seconds for a run with thorough cases, and for an exploration. */
const THOROUGH_LIMIT = 900;
/** Kinds whose faults random programs find. */
const EXPLORED: readonly Mutant["kind"][] = ["mixtures", "crashes"];

/** Which cases one run of `examine` consists of, and when it is due. */
interface Step {
  matches: (run: CaseRun) => boolean;
  /** The run is due from this extent on, even if the broken requirement has been blamed. Default: only if it has not. */
  from?: ExamineOptions["extent"];
  isThorough?: boolean;
}

/** Runs the suite against one mutant, to the given extent and until the broken requirement is blamed. */
export async function examine(subject: Subject, options: ExamineOptions): Promise<MutantResult> {
  const { extent, limit } = options;
  const started = performance.now();
  const isAboutIt = (run: CaseRun) => concerns(run, subject);
  const isInWhole = (run: CaseRun) => isAboutIt(run) || (!run.case.bulk && isInOneCodec(run));
  // The cases about the requirement run first and alone: if a mutant delays every case, no time would be left for them.
  const steps: Step[] = [
    { matches: (run) => isAboutIt(run) && !run.case.thorough, from: "quick" },
    // These take minutes: mutants of the kinds that show without them get the other cases first.
    ...(subject.kind === undefined || options.thorough ? [{ matches: isAboutIt, isThorough: true }] : []),
    { matches: (run) => isInWhole(run) && !run.case.thorough, from: "whole" },
    { matches: (run) => !run.case.thorough, from: "full" },
    ...(options.thorough ? [{ matches: () => true, isThorough: true }] : []),
  ];
  const isDue = (from: Step["from"]) => from !== undefined && EXTENTS.indexOf(from) <= EXTENTS.indexOf(extent);
  const reports: Report[] = [];
  const isBlamed = () => reports.some((report) => blames(report, subject));
  // What shows in the plain form needs no other one in a quick run.
  const isPlain = extent === "quick" && !options.thorough && subject.kind === undefined;
  const tried = new Set<Mechanism>(isPlain ? ["plain"] : ["plain", "varied"]);
  for (let seed = 1; seed <= (subject.race ? RACE_ATTEMPTS : 1); seed += 1) {
    const done = new Set<string>();
    for (const { matches, from, isThorough = false } of steps) {
      if (!isDue(from) && isBlamed()) continue;
      const next = new Set(CASE_RUNS.filter((run) => !done.has(run.id) && matches(run)).map(({ id }) => id));
      if (next.size === 0) continue;
      if (isThorough) tried.add("thorough");
      const most = isThorough ? Math.max(limit, THOROUGH_LIMIT) : limit;
      reports.push(await checkOnce(subject, ({ id }) => next.has(id), seed, { limit: most, isThorough, isPlain }));
      for (const id of next) done.add(id);
    }
    if (isBlamed()) break;
  }
  const isExplored = subject.breaks !== "" && (options.thorough || EXPLORED.includes(subject.kind));
  if (isBlamed() || !isExplored) return resultOf(subject, reports, { started, tried });
  const explored = await exploreOnce(subject);
  return resultOf(subject, reports, { started, tried: tried.add("explore"), explored });
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
    const report = await checkOnce(subject, (run) => cases.has(run.case.id), seed, { limit });
    reports.push(report);
    for (const expectation of failedExpectationsOf(report)) missing.delete(expectation);
  }
  return resultOf(subject, reports, { started, tried: new Set(["plain", "varied"]) });
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

/** How the suite restarts a mutant. A crash changes nothing for most of them, so it is not worth the time. */
const restartOf = ({ crash, kind }: Subject, server: MutantServer) =>
  crash === undefined && kind !== "crashes" ? {} : { restart: () => server.restart() };

async function checkOnce(
  subject: Subject,
  select: (run: CaseRun) => boolean,
  seed: number,
  { limit, isThorough = false, isPlain = false }: { limit: number; isThorough?: boolean; isPlain?: boolean },
): Promise<Report> {
  const server = await startMutant(subject, { fixtures: true });
  try {
    return await check({
      urls: server.urls,
      seed,
      concurrency: 16,
      thorough: isThorough,
      ...(isPlain ? { vary: [] } : {}),
      ...restartOf(subject, server),
      select,
      signal: AbortSignal.timeout(limit * 1000),
    });
  } finally {
    await server.close(0);
  }
}

/** Runs random programs against a mutant, and returns the requirements that they violate. */
async function exploreOnce(subject: Subject): Promise<string[]> {
  const server = await startMutant(subject, { fixtures: true });
  try {
    const signal = AbortSignal.timeout(THOROUGH_LIMIT * 1000);
    const restart = restartOf(subject, server);
    const exploration = await explore({ urls: server.urls, seed: 1, runs: PROGRAMS, signal, ...restart });
    if ("problem" in exploration) return [];
    return (exploration.failure?.findings ?? []).map(({ requirement }) => requirement);
  } finally {
    await server.close(0);
  }
}

interface Examined {
  started: number;
  tried: ReadonlySet<Mechanism>;
  /** Requirements that random programs violated. */
  explored?: readonly string[];
}

const THOROUGH_CASES = new Set(CATALOGUE.filter((it) => it.thorough).map(({ id }) => id as string));

/** The mechanism by which a case failed. */
function mechanismOf({ id, varied }: CaseResult): Mechanism {
  if (THOROUGH_CASES.has(caseIdOf(id))) return "thorough";
  return varied.length > 0 ? "varied" : "plain";
}

function resultOf(
  subject: Subject,
  reports: readonly Report[],
  { started, tried, explored = [] }: Examined,
): MutantResult {
  const cases = reports.flatMap((report) => report.cases);
  const failed = cases.filter(({ findings }) => findings.length > 0);
  const groups = groupByRequirement(cases);
  const blamed = groups.map(({ requirement }) => requirement);
  const kills = [
    ...failed.map((it) => ({ by: mechanismOf(it), requirements: it.findings.map(({ requirement }) => requirement) })),
    ...(explored.length === 0 ? [] : [{ by: "explore" as const, requirements: explored }]),
  ];
  const right = kills.filter(({ requirements }) => requirements.some((it) => it === subject.breaks));
  const killing = new Set((right.length === 0 ? kills : right).map(({ by }) => by));
  return {
    name: subject.name,
    requirement: subject.breaks,
    blamedRequirements: [...new Set<string>([...blamed, ...explored])],
    killingCases: [...new Set(failed.map(({ id }) => caseIdOf(id)))],
    failedExpectations: [...new Set(reports.flatMap(failedExpectationsOf))].sort(),
    baseline: [],
    tried: MECHANISMS.filter((it) => tried.has(it)),
    killedBy: MECHANISMS.find((it) => killing.has(it)) ?? "",
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
