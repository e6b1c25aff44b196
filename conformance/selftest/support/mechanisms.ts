/** The ways in which the suite can find the fault of a mutant, from the cheapest to the most expensive. */
import { type Finding, ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { check } from "../../run/check.js";
import { explore } from "../../run/explore.js";
import { type Mutant, startMutant } from "../mutants/mutant.js";

/**
 * - `plain`: `check` without variation.
 * - `varied`: `check` as users run it, with other forms and contents.
 * - `thorough`: `check --thorough`.
 * - `explore`: random programs, a fixed number of them from a fixed seed.
 */
export const MECHANISMS = ["plain", "varied", "thorough", "explore"] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** Number of programs of `explore`. */
export const PROGRAMS = 400;

export interface MechanismOptions {
  seed: number;
  /** Maximum seconds. */
  limit: number;
  /** Whether the server restarts when the suite wants it to. */
  restarts: boolean;
  /** The run ends as soon as one of these is blamed. */
  until: readonly string[];
}

export interface MechanismResult {
  /** The blamed requirements. */
  blamed: string[];
  /** Number of cases that ran out of time, as on a busy machine: they have found nothing. */
  timedOut: number;
  /** Errors of the suite itself. */
  errors: string[];
}

/** Runs one mechanism against a mutant. */
export async function runMechanism(
  mechanism: Mechanism,
  mutant: Omit<Mutant, "breaks">,
  { seed, limit, restarts, until }: MechanismOptions,
): Promise<MechanismResult> {
  const server = await startMutant(mutant, { fixtures: true });
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, AbortSignal.timeout(limit * 1000)]);
  const restart = restarts ? { restart: () => server.restart() } : {};
  try {
    if (mechanism === "explore") {
      const exploration = await explore({ urls: server.urls, seed, runs: PROGRAMS, signal, ...restart });
      if ("problem" in exploration) return { blamed: [], timedOut: 0, errors: [exploration.problem] };
      const findings = exploration.failure?.findings ?? [];
      return { blamed: findings.map(({ requirement }) => requirement), timedOut: 0, errors: [] };
    }
    const blamed = new Set<string>();
    const note = (findings: readonly Pick<Finding, "requirement">[]) => {
      for (const { requirement } of findings) {
        blamed.add(requirement);
        if (until.includes(requirement as RequirementId)) enough.abort();
      }
    };
    const report = await check({
      urls: server.urls,
      seed,
      signal,
      concurrency: 16,
      ...restart,
      ...(mechanism === "plain" ? { vary: [] } : {}),
      ...(mechanism === "thorough" ? { thorough: true } : {}),
      onResult: ({ findings }) => note(findings),
    });
    for (const { findings } of report.cases) note(findings);
    const isCutShort = signal.aborted;
    const timedOut = report.cases.filter(({ reasonCode }) => reasonCode === ReasonCode.TIMEOUT).length;
    return { blamed: [...blamed], timedOut, errors: report.headline === "" || isCutShort ? [] : [report.headline] };
  } finally {
    await server.close(0);
  }
}
