import { create } from "@bufbuild/protobuf";
import type { Event } from "../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  FindingSchema,
  ReasonCode,
  type Finding as ReportFinding,
} from "../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { RequirementId } from "./requirements/requirements.js";

/** A violation of a requirement, as in reports, with a typed requirement id. */
export type Finding = ReportFinding & {
  /** The requirement that is violated. */
  requirement: RequirementId;
};

/** Makes a finding. `byJudge` is false if an expectation of a case failed. */
export function newFinding(violation: ViolationDetail, evidence: readonly Event[] = [], byJudge = true): Finding {
  const { requirement } = violation;
  const finding = create(FindingSchema, {
    requirement,
    message: shortened(violation.message),
    expected: shortened(violation.expected),
    actual: shortened(violation.actual),
    evidence: evidence.slice(0, MAX_EVIDENCE),
    byJudge,
  });
  return { ...finding, requirement };
}

/** Maximum number of events that a finding keeps as its evidence. */
const MAX_EVIDENCE = 200;
/** Maximum length of a text of a finding, in characters: it may quote the server. */
const MAX_CHARACTERS = 2000;

function shortened(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return `${text.slice(0, MAX_CHARACTERS)}… (${text.length} characters)`;
}

/** Thrown if the server violated a requirement and the case cannot continue. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(`${finding.requirement}: ${finding.message}`);
    this.finding = finding;
  }
}

/**
 * Thrown if the verdict of a case is inconclusive. The message names the missing prerequisite, and how to provide it.
 */
export class Inconclusive extends Error {
  override readonly name = "Inconclusive";
  readonly code: ReasonCode;

  constructor(message: string, code: ReasonCode) {
    super(message);
    this.code = code;
  }
}

/** Thrown if the server returned retryable errors until the last retry. */
export class RetriesExhausted extends Inconclusive {
  /** Connect code or HTTP status of the last error, for people. */
  readonly why: string;
  /** Connect code of the last error; undefined if it was not a Connect error. */
  readonly connectCode: string | undefined;

  constructor(why: string, connectCode?: string) {
    const message = `the server returned retryable errors until the last retry (${why})`;
    super(`${message}; use --max-requests-per-second or --concurrency`, ReasonCode.RETRIES_EXHAUSTED);
    this.why = why;
    this.connectCode = connectCode;
  }
}

/**
 * Thrown if a well-formed call got no response, in spite of retries. It is a violation only if the server is still up.
 */
export class NoResponseFailure extends Error {
  override readonly name = "NoResponseFailure";
  readonly requirement: RequirementId;
  readonly call: string;
  readonly why: string;

  constructor(requirement: RequirementId, call: string, why: string) {
    super(`${call} got no response: ${why}`);
    this.requirement = requirement;
    this.call = call;
    this.why = why;
  }
}

/** A violation without its evidence, which the caller adds. */
export interface ViolationDetail {
  requirement: RequirementId;
  message: string;
  expected: string;
  actual: string;
}
