import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Style } from "../formats/style.js";

/** How an outcome is shown. */
export interface Shown {
  /** One word, also usable as a class name. */
  word: string;
  /** A mark that needs no colour. */
  mark: string;
  /** In a terminal. */
  style: Style;
  /** What it says of the server if it is the verdict. */
  verdict: string;
}

export const OUTCOMES: Readonly<Record<Outcome, Shown>> = {
  [Outcome.FAIL]: { word: "fail", mark: "✗", style: "red", verdict: "This server breaks requirements." },
  [Outcome.WARN]: {
    word: "warn",
    mark: "!",
    style: "yellow",
    verdict: "This server keeps every MUST that was checked, but not every SHOULD.",
  },
  [Outcome.ERROR]: {
    word: "error",
    mark: "✗",
    style: "red",
    verdict: "The suite itself went wrong: this says nothing about the server.",
  },
  [Outcome.INCONCLUSIVE]: {
    word: "open",
    mark: "?",
    style: "yellow",
    verdict: "Nothing broken was found, but not everything could be checked.",
  },
  [Outcome.PASS]: {
    word: "pass",
    mark: "✓",
    style: "green",
    verdict: "This server keeps every requirement that was checked.",
  },
  [Outcome.NOT_APPLICABLE]: {
    word: "n/a",
    mark: "–",
    style: "dim",
    verdict: "Nothing that was asked for applies to this server.",
  },
  [Outcome.UNSPECIFIED]: { word: "not run", mark: "–", style: "dim", verdict: "Nothing was run." },
};

/** From the worst to the one that says least: the order in which counts are shown, and in which several outcomes become one. */
export const BY_WEIGHT = [
  Outcome.FAIL,
  Outcome.ERROR,
  Outcome.WARN,
  Outcome.INCONCLUSIVE,
  Outcome.PASS,
  Outcome.NOT_APPLICABLE,
  Outcome.UNSPECIFIED,
] as const;

/** How often each outcome is there, the worst first; those that are not there are left out. */
export function tally(outcomes: readonly Outcome[]): { outcome: Outcome; count: number }[] {
  return BY_WEIGHT.map((outcome) => ({ outcome, count: outcomes.filter((it) => it === outcome).length })).filter(
    ({ count }) => count > 0,
  );
}
