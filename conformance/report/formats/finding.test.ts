import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import {
  bytes,
  caseWith,
  failedCase,
  sendWithoutResponse,
  syncWithResponse,
} from "../../selftest/support/sample-report.js";
import { viewFinding } from "../model/finding.js";
import { failureText, findingText } from "./finding.js";

const history = [...sendWithoutResponse(1n, bytes("hi")), ...syncWithResponse(2n, "bob's phone", 0)];
const failure = failedCase("ack/a", ["ACK-NOT-ON-ANSWER", "HTTP-MALFORMED-REASON"], history);

describe("the text of a failure", () => {
  test("has each finding with its level, its calls and its link, and the command that reproduces it", () => {
    const text = failureText(failure, { spec: "https://example.org/spec" });
    expect(text).toMatch(/^✗ ACK-NOT-ON-ANSWER \(MUST\): a Sync acked messages/);
    expect(text).toMatch(/^! HTTP-MALFORMED-REASON \(SHOULD\): a Sync acked messages/m);
    expect(text).toContain(" https://example.org/spec/ack.md#ack-not-on-answer\n");
    expect(text.match(/no response: connection closed/g)).toHaveLength(2);
    expect(text).toMatch(/\n {2}reproduce {6}npx seqsync check .* --only ack\/a --seed 7$/);
  });

  test("has the outcome and the reason of a case without findings", () => {
    expect(failureText(caseWith("ack/a", Outcome.INCONCLUSIVE, "no accounts"))).toBe("inconclusive: no accounts");
    expect(failureText(caseWith("ack/a", Outcome.ERROR, "a bug"))).toBe("error: a bug");
  });

  test("has no diagram if none is wanted", () => {
    const [finding] = failure.findings;
    const lines = finding === undefined ? [] : findingText(viewFinding(finding), { diagram: false });
    expect(lines.some((line) => line.includes("─"))).toBe(false);
  });
});
