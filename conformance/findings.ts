import type { Event } from "../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { RequirementId } from "./requirements/requirements.js";

/** One breach of one requirement, as the judge or a case finds it. */
export interface Finding {
  /** The requirement that is broken. */
  requirement: RequirementId;
  /** What is wrong, in a sentence. */
  message: string;
  /** What the requirement asks for here. */
  expected: string;
  /** What the server did. */
  actual: string;
  /** The few events that prove it, in their order. */
  evidence: readonly Event[];
}

/** The server broke a requirement, and the case cannot go on. */
export class Violation extends Error {
  override readonly name = "Breach";
  readonly finding: Finding;
  /** Whether the judge or the client found it; false if it is what the case itself expected. */
  readonly byJudge: boolean;

  constructor(finding: Finding, byJudge: boolean) {
    super(`${finding.requirement}: ${finding.message}`);
    this.finding = finding;
    this.byJudge = byJudge;
  }
}

/** It cannot be told: a prerequisite is missing. The message says which, and how to provide it. */
export class Inconclusive extends Error {
  override readonly name = "Inconclusive";
}

/** The server asked for another try each time until patience was at its end; `why` is the code or the status that says so. */
export class RetriesExhausted extends Inconclusive {
  readonly why: string;

  constructor(why: string) {
    const said = `the server asked for another try until patience was at its end (${why})`;
    super(`${said}; use --max-requests-per-second or --concurrency`);
    this.why = why;
  }
}

/** Why a case was not run that takes longer than a few seconds, where nobody has asked for such cases. */
export const TAKES_LONG = "takes long by its nature; run it with --slow";

/** A well-formed call got no answer, though it was tried again. Who is to blame depends on whether the server still lives. */
export class NoResponseFailure extends Error {
  override readonly name = "NoAnswer";
  readonly requirement: RequirementId;
  readonly call: string;
  readonly why: string;

  constructor(requirement: RequirementId, call: string, why: string) {
    super(`${call} got no answer: ${why}`);
    this.requirement = requirement;
    this.call = call;
    this.why = why;
  }
}

/** A breach without its evidence, which whoever calls knows. */
export interface ViolationText {
  requirement: RequirementId;
  message: string;
  expected: string;
  actual: string;
}
