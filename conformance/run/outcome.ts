import { Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";

/** The outcome that findings give a case: fail if one of them blames a MUST, otherwise warn; pass without any. */
export function outcomeOfFindings(findings: readonly { requirement: string }[]): Outcome {
  if (findings.length === 0) return Outcome.PASS;
  const isMust = ({ requirement }: { requirement: string }) =>
    REQUIREMENTS[requirement as RequirementId].level === "MUST";
  return findings.some(isMust) ? Outcome.FAIL : Outcome.WARN;
}
