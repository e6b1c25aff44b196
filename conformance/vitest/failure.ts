import { type CaseResult, type Finding, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";

/** An error that says why a case did not pass: a card for each finding, root cause first, or the reason why it stays open. */
export function failureOf({ outcome, reason, findings }: CaseResult): Error {
  const error = new Error(findings.length > 0 ? findings.map(card).join("\n\n") : `${WORDS[outcome] ?? ""}${reason}`);
  // A stack would lead into the suite; what the reader needs is in the message.
  error.stack = `Error: ${error.message}`;
  return error;
}

const WORDS: Partial<Record<Outcome, string>> = { [Outcome.INCONCLUSIVE]: "could not be told: " };

function card({ requirement, message, expected, actual }: Finding): string {
  const { level, sentence, anchor } = REQUIREMENTS[requirement as RequirementId];
  return [
    `${requirement} (${level}): ${message}`,
    `  the rule  ${sentence}`,
    `  expected  ${expected}`,
    `  actual    ${actual}`,
    `  see       docs/spec/${anchor}`,
  ].join("\n");
}
