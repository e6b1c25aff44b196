import { describe, expect, it } from "vitest";
import { describeEvent } from "../report/model/describe.js";
import { SEND_VIOLATIONS } from "../selftest/histories/send-violations.js";
import { SYNC_VIOLATIONS } from "../selftest/histories/sync-violations.js";

const VIOLATIONS = Object.entries({ ...SEND_VIOLATIONS, ...SYNC_VIOLATIONS });

it("the names of the histories are unique", () => {
  expect(VIOLATIONS).toHaveLength(Object.keys(SEND_VIOLATIONS).length + Object.keys(SYNC_VIOLATIONS).length);
});

describe("each violation", () => {
  it.each(VIOLATIONS)("%s: blames its requirement", (_name, [requirement, history]) => {
    expect(history().blamed()).toContain(requirement);
  });

  it.each(VIOLATIONS)("%s: has few events as evidence", (_name, [requirement, history]) => {
    const finding = history()
      .findings()
      .find((it) => it.requirement === requirement);
    expect(finding?.evidence.length).toBeGreaterThan(0);
    expect(finding?.evidence.length).toBeLessThanOrEqual(8);
  });

  it.each(VIOLATIONS)("%s: has this text and evidence", (_name, [, history]) => {
    const findings = history()
      .findings()
      .map(({ requirement, message, expected, actual, evidence }) => ({
        [requirement]: [message, expected, actual],
        evidence: evidence.map((event) => `${event.client || "server"}: ${describeEvent(event)}`),
      }));
    expect(findings).toMatchSnapshot();
  });
});
