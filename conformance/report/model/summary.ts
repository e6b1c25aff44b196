import type { Duration } from "@bufbuild/protobuf/wkt";
import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "./group-by.js";
import { BY_WEIGHT, OUTCOMES, tally } from "./outcomes.js";
import { requirementOf } from "./requirement.js";

/** What a run says of one profile. */
export interface ProfileVerdict {
  profile: string;
  /** Whether the server declares it. */
  declared: boolean;
  outcome: Outcome;
  /** Its requirements by outcome, the worst first, in words. */
  requirements: string;
}

/** The verdict on each profile, from those of its requirements. What could not be told weighs more than what holds. */
export function byProfile(report: Report): ProfileVerdict[] {
  const profiles = [
    ...new Set([...report.profiles, ...report.requirements.map(({ id }) => requirementOf(id).profile)]),
  ];
  return profiles.map((profile) => {
    const outcomes = report.requirements
      .filter(({ id }) => requirementOf(id).profile === profile)
      .map(({ outcome }) => outcome);
    const outcome = BY_WEIGHT.find((it) => outcomes.includes(it)) ?? Outcome.UNSPECIFIED;
    return { profile, declared: report.profiles.includes(profile), outcome, requirements: inWords(outcomes) };
  });
}

function inWords(outcomes: readonly Outcome[]): string {
  return tally(outcomes)
    .map(({ outcome, count }) => `${count} ${OUTCOMES[outcome].word}`)
    .join(", ");
}

/** The chapter of a case: the part of its id before the slash. */
export const chapterOf = ({ id }: Pick<CaseResult, "id">) => id.split("/", 1)[0] ?? id;

/** The cases of a report by chapter, in their order. */
export function byChapter(cases: readonly CaseResult[]): [chapter: string, own: CaseResult[]][] {
  return [...groupBy(cases, chapterOf)];
}

/** The verdict in a sentence. */
export const headlineOf = ({ headline, verdict }: Report) => (headline === "" ? OUTCOMES[verdict].verdict : headline);

/** What is open, by reason, with the cases that it concerns: a skip must never look like a pass. */
export function openByReason(cases: readonly CaseResult[]): [reason: string, own: CaseResult[]][] {
  const open = cases.filter(({ outcome }) => outcome === Outcome.INCONCLUSIVE || outcome === Outcome.ERROR);
  return [...groupBy(open, ({ reason }) => reason)];
}

/** In seconds. */
export const secondsOf = (duration: Duration | undefined) =>
  Number(duration?.seconds ?? 0n) + (duration?.nanos ?? 0) / 1e9;

/** Counts, time and seed in a line. */
export function countsLine({ cases, seed, duration, retriedCalls }: Report): string {
  const count = (outcome: Outcome) => cases.filter((it) => it.outcome === outcome).length;
  const rest = (
    [
      [count(Outcome.WARN), "warned"],
      [count(Outcome.INCONCLUSIVE), "open"],
      [count(Outcome.ERROR), "errors"],
      [count(Outcome.NOT_APPLICABLE), "not applicable"],
      [retriedCalls, "calls tried again"],
    ] as const
  ).flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  const parts = [`${count(Outcome.PASS)} passed`, `${count(Outcome.FAIL)} failed`, ...rest].join(", ");
  return `${parts} in ${secondsOf(duration).toFixed(1)} s, seed ${seed}`;
}
