import { describe, expect, it } from "vitest";
import { describeEvent } from "../report/model/describe.js";
import { SEND_BREACHES } from "../selftest/histories/send-violations.js";
import { SYNC_BREACHES } from "../selftest/histories/sync-violations.js";

const BREACHES = Object.entries({ ...SEND_BREACHES, ...SYNC_BREACHES });

it("has no breach of one name twice", () => {
  expect(BREACHES).toHaveLength(Object.keys(SEND_BREACHES).length + Object.keys(SYNC_BREACHES).length);
});

describe("each breach is blamed on its requirement", () => {
  it.each(BREACHES)("%s", (_name, [requirement, story]) => {
    expect(story().blamed()).toContain(requirement);
  });

  it.each(BREACHES)("%s: with few events that prove it", (_name, [requirement, story]) => {
    const finding = story()
      .judged()
      .find((it) => it.requirement === requirement);
    expect(finding?.evidence.length).toBeGreaterThan(0);
    expect(finding?.evidence.length).toBeLessThanOrEqual(8);
  });

  it.each(BREACHES)("%s: in words, and with the events that prove it", (_name, [, story]) => {
    const told = story()
      .judged()
      .map(({ requirement, message, expected, actual, evidence }) => ({
        [requirement]: [message, expected, actual],
        proof: evidence.map((event) => `${event.client || "server"}: ${describeEvent(event)}`),
      }));
    expect(told).toMatchSnapshot();
  });
});
