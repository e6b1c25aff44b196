import type { Duration } from "@bufbuild/protobuf/wkt";
import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { groupBy } from "./group-by.js";
import { mustsNotChecked } from "./not-checked.js";
import { OUTCOMES, type OutcomeText, PARTIAL, tally, WORST_FIRST } from "./outcomes.js";
import { requirementOf } from "./requirement.js";

/** The verdict on one profile. */
export interface ProfileVerdict {
  profile: string;
  /** Whether the server declares it. */
  declared: boolean;
  /** The worst outcome of its requirements; unspecified if none was checked. */
  outcome: Outcome;
  /** The texts for the verdict. A profile of which a MUST was not checked does not look like a pass. */
  text: Pick<OutcomeText, "word" | "mark" | "color">;
  /** Numbers of its requirements by outcome, such as "1 fail, 9 pass, 2 not checked". */
  requirements: string;
}

/** The verdict on each profile that the server declares or the run checked. Inconclusive outweighs pass. */
export function byProfile(report: Report): ProfileVerdict[] {
  const profiles = [
    ...new Set([...report.profiles, ...report.requirements.map(({ id }) => requirementOf(id).profile)]),
  ];
  const musts = mustsNotChecked(report);
  const unchecked = report.notChecked.flatMap(({ requirements }) => requirements);
  return profiles.map((profile) => {
    const isOwn = (id: string) => requirementOf(id).profile === profile;
    const results = report.requirements.filter(({ id }) => isOwn(id));
    const outcomes = results.map(({ outcome }) => outcome);
    const outcome = WORST_FIRST.find((it) => outcomes.includes(it)) ?? Outcome.UNSPECIFIED;
    const checked = results.filter(({ id }) => !unchecked.includes(id));
    const counts = tally(checked.map((it) => it.outcome)).map((it) => `${it.count} ${OUTCOMES[it.outcome].word}`);
    const open = unchecked.filter(isOwn).length;
    return {
      profile,
      declared: report.profiles.includes(profile),
      outcome,
      text: outcome === Outcome.PASS && musts.some(isOwn) ? PARTIAL : OUTCOMES[outcome],
      requirements: [...counts, ...(open === 0 ? [] : [`${open} not checked`])].join(", "),
    };
  });
}

/** The chapter of a case: the part of its id before the slash. */
export const chapterOf = ({ id }: Pick<CaseResult, "id">) => id.split("/", 1)[0] ?? id;

/** Groups cases by chapter, in their order. */
export function byChapter(cases: readonly CaseResult[]): [chapter: string, cases: CaseResult[]][] {
  return [...groupBy(cases, chapterOf)];
}

/** Whether the report has results to show: a headline explains why there are none, or that they are incomplete. */
export const hasResults = ({ headline, cases }: Report) =>
  headline === "" || cases.some(({ outcome }) => outcome !== Outcome.INCONCLUSIVE && outcome !== Outcome.UNSPECIFIED);

/** Adds a full stop to a text that has none. */
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The verdict in a sentence. A pass says how many MUSTs were not checked. */
export function headlineOf(report: Report): string {
  const { headline, verdict } = report;
  if (headline !== "")
    return verdict === Outcome.FAIL ? `${sentence(headline)} ${OUTCOMES[verdict].verdict}` : headline;
  const { length } = mustsNotChecked(report);
  if (verdict !== Outcome.PASS || length === 0) return OUTCOMES[verdict].verdict;
  return `No violation was found in what was checked; ${counted(length, "MUST")} ${length === 1 ? "was" : "were"} not checked.`;
}

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
