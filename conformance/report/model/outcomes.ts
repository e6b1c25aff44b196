import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";

/** The texts and the colour by which an outcome is shown. */
export interface OutcomeText {
  word: string;
  /** A symbol that is clear without colour. */
  mark: string;
  color: "red" | "yellow" | "green" | "dim";
  /** The headline of a report with this verdict. */
  verdict: string;
}

export const OUTCOMES: Readonly<Record<Outcome, OutcomeText>> = {
  [Outcome.FAIL]: { word: "fail", mark: "✗", color: "red", verdict: "The server violates at least one MUST." },
  [Outcome.WARN]: {
    word: "warn",
    mark: "!",
    color: "yellow",
    verdict: "The server meets every MUST that was checked, but not every SHOULD.",
  },
  [Outcome.ERROR]: {
    word: "error",
    mark: "✗",
    color: "red",
    verdict: "The suite itself failed. This says nothing about the server.",
  },
  [Outcome.INCONCLUSIVE]: {
    word: "inconclusive",
    mark: "?",
    color: "yellow",
    verdict: "No violation was found, but not every requirement could be checked.",
  },
  [Outcome.PASS]: {
    word: "pass",
    mark: "✓",
    color: "green",
    verdict: "The server meets every requirement that was checked.",
  },
  [Outcome.NOT_APPLICABLE]: {
    word: "not applicable",
    mark: "–",
    color: "dim",
    verdict: "None of the selected cases applies to this server.",
  },
  [Outcome.UNSPECIFIED]: { word: "not run", mark: "–", color: "dim", verdict: "No case was run." },
};

/** The texts for a passed profile of which a MUST was not checked. */
export const PARTIAL: Pick<OutcomeText, "word" | "mark" | "color"> = {
  word: "no violation found",
  mark: "◐",
  color: "yellow",
};

/** The order in which counts are shown. Of several outcomes, the first in this order is the total outcome. */
export const WORST_FIRST = [
  Outcome.FAIL,
  Outcome.ERROR,
  Outcome.WARN,
  Outcome.INCONCLUSIVE,
  Outcome.PASS,
  Outcome.NOT_APPLICABLE,
  Outcome.UNSPECIFIED,
] as const;

/** Counts outcomes, the worst first. Those that do not occur are left out. */
export function tally(outcomes: readonly Outcome[]): { outcome: Outcome; count: number }[] {
  return WORST_FIRST.map((outcome) => ({ outcome, count: outcomes.filter((it) => it === outcome).length })).filter(
    ({ count }) => count > 0,
  );
}
