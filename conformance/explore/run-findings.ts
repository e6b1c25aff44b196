import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { type Finding, newFinding, type ViolationDetail } from "../findings.js";

/** The violations of a program other than those that the judge finds: each requirement once. */
export class Findings {
  readonly all: Finding[] = [];

  add(finding: Finding): void {
    if (this.all.some(({ requirement }) => requirement === finding.requirement)) return;
    this.all.push(finding);
  }

  report(violation: ViolationDetail, evidence: readonly Event[] = []): void {
    this.add(newFinding(violation, evidence));
  }
}
