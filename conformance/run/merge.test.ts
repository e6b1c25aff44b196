import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../cli/exit-code.js";
import { Outcome, reportOn, resultOf } from "../selftest/support/reports.js";
import { mergeReports } from "./merge.js";

const part = (shard: string, id: string, outcome = Outcome.PASS, more = {}) =>
  reportOn([resultOf(id, outcome, outcome === Outcome.FAIL ? ["ACK-MONOTONE"] : [])], { shard, ...more });
const [one, two] = ["ack/old-device-does-not-lower", "ack/answering-does-not-ack"] as const;

describe("the parts of a run", () => {
  test("are merged into one report with one verdict", () => {
    const merged = mergeReports([part("1/2", one), part("2/2", two, Outcome.FAIL)]);
    expect(merged).toMatchObject({ verdict: Outcome.FAIL, shard: "", counts: { pass: 1, fail: 1 } });
    expect(merged.requirements.find(({ id }) => id === "ACK-MONOTONE")?.outcome).toBe(Outcome.FAIL);
    expect(exitCodeOf(merged)).toBe(1);
    expect(exitCodeOf(mergeReports([part("2/2", two), part("1/2", one)]))).toBe(0);
  });

  test("make the verdict inconclusive if one is missing, unless another one fails", () => {
    const merged = mergeReports([part("1/3", one), part("3/3", two)]);
    expect(merged.headline).toMatch(/shard 2\/3 is missing/);
    expect(exitCodeOf(merged)).toBe(3);
    expect(exitCodeOf(mergeReports([part("1/3", one, Outcome.FAIL)]))).toBe(1);
  });

  test("make the verdict inconclusive if one could not reach the server", () => {
    const unreached = part("2/2", two, Outcome.INCONCLUSIVE, { headline: "cannot be reached", implementation: "" });
    expect(exitCodeOf(mergeReports([part("1/2", one), unreached]))).toBe(3);
  });

  test("are rejected if they are of different runs", () => {
    expect(() => mergeReports([])).toThrow(/no report to merge/);
    expect(() => mergeReports([part("1/2", one), part("1/2", one)])).toThrow(`${one} is in two of the reports`);
    expect(() => mergeReports([part("1/2", one), part("2/3", two)])).toThrow(/different runs/);
    expect(() =>
      mergeReports([
        part("1/2", one, Outcome.PASS, { implementation: "a" }),
        part("2/2", two, Outcome.PASS, { implementation: "b" }),
      ]),
    ).toThrow(/differ in implementation: a, b/);
  });
});
