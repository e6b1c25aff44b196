import type { Duration } from "@bufbuild/protobuf/wkt";
import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "./group-by.js";
import { OUTCOMES, tally, WORST_FIRST } from "./outcomes.js";
import { requirementOf } from "./requirement.js";

/** The verdict on one profile. */
export interface ProfileVerdict {
  profile: string;
  /** Whether the server declares it. */
  declared: boolean;
  /** The worst outcome of its requirements; unspecified if none was checked. */
  outcome: Outcome;
  /** Numbers of its requirements by outcome, such as "1 fail, 9 pass"; empty if none was checked. */
  requirements: string;
}

/** The verdict on each profile that the server declares or the run checked. Inconclusive outweighs pass. */
export function byProfile(report: Report): ProfileVerdict[] {
  const profiles = [
    ...new Set([...report.profiles, ...report.requirements.map(({ id }) => requirementOf(id).profile)]),
  ];
  return profiles.map((profile) => {
    const outcomes = report.requirements
      .filter(({ id }) => requirementOf(id).profile === profile)
      .map(({ outcome }) => outcome);
    const outcome = WORST_FIRST.find((it) => outcomes.includes(it)) ?? Outcome.UNSPECIFIED;
    const requirements = tally(outcomes).map((it) => `${it.count} ${OUTCOMES[it.outcome].word}`);
    return { profile, declared: report.profiles.includes(profile), outcome, requirements: requirements.join(", ") };
  });
}

/** The chapter of a case: the part of its id before the slash. */
export const chapterOf = ({ id }: Pick<CaseResult, "id">) => id.split("/", 1)[0] ?? id;

/** Groups cases by chapter, in their order. */
export function byChapter(cases: readonly CaseResult[]): [chapter: string, cases: CaseResult[]][] {
  return [...groupBy(cases, chapterOf)];
}

/** The verdict in a sentence. */
export const headlineOf = ({ headline, verdict }: Report) => (headline === "" ? OUTCOMES[verdict].verdict : headline);

/** Cases without a verdict, with the reason: they must not be mistaken for passes. */
export interface WithoutVerdict {
  outcome: Outcome;
  reason: string;
  cases: CaseResult[];
}

/** Groups the inconclusive cases and the errors by their reason. */
export function withoutVerdict(cases: readonly CaseResult[]): WithoutVerdict[] {
  const found = cases.filter(({ outcome }) => outcome === Outcome.INCONCLUSIVE || outcome === Outcome.ERROR);
  return [...groupBy(found, ({ outcome, reason }) => `${outcome} ${reason}`).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ outcome: first.outcome, reason: first.reason, cases: group }];
  });
}

/** Converts a duration to seconds. */
export const secondsOf = (duration: Duration | undefined) =>
  Number(duration?.seconds ?? 0n) + (duration?.nanos ?? 0) / 1e9;

/** A number with its noun, such as "1 case" or "2 cases". */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Numbers of cases by outcome, duration and seed in one line. */
export function countsLine({ cases, seed, duration, retriedCalls }: Report): string {
  const count = (outcome: Outcome) => cases.filter((it) => it.outcome === outcome).length;
  const optional = (
    [
      [count(Outcome.WARN), "warned"],
      [count(Outcome.INCONCLUSIVE), "inconclusive"],
      [count(Outcome.ERROR), count(Outcome.ERROR) === 1 ? "error" : "errors"],
      [count(Outcome.NOT_APPLICABLE), "not applicable"],
      [retriedCalls, retriedCalls === 1 ? "call retried" : "calls retried"],
    ] as const
  ).flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`]));
  const parts = [`${count(Outcome.PASS)} passed`, `${count(Outcome.FAIL)} failed`, ...optional].join(", ");
  return `${parts} in ${secondsOf(duration).toFixed(1)} s, seed ${seed}`;
}
