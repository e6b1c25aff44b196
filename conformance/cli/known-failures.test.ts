import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { renderers } from "../report/formats/renderers.js";
import { Outcome, reportOn, resultOf } from "../selftest/support/reports.js";
import { knownFailureLines, knownFailuresText, readKnownFailures } from "./known-failures.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-known-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CASE = "ack/old-device-does-not-lower";

function read(text: string) {
  const file = join(folder, "known.txt");
  writeFileSync(file, text);
  return readKnownFailures(file);
}

describe("a list of known failures", () => {
  test("has a case or a requirement on each line, with the reason", () => {
    const text = `# why\n\n${CASE}: one: two\r\n  ${CASE} (json)  :  three \nACK-MONOTONE: four`;
    expect(read(text)).toEqual([
      { id: CASE, reason: "one: two" },
      { id: `${CASE} (json)`, reason: "three" },
      { id: "ACK-MONOTONE", reason: "four" },
    ]);
  });

  test("may name a bulk case with the codec in which it runs if only JSON is checked", () => {
    expect(read("page/size-1 (json): slow")).toEqual([{ id: "page/size-1 (json)", reason: "slow" }]);
  });

  test.each([
    [CASE, /line 1: the reason is missing/],
    [`${CASE}:  `, /line 1: the reason is missing/],
    ["#\nack/old-device-does-not-lowr: x", /line 2: .*did you mean "ack\/old-device-does-not-lower"/],
    ["ack/*: x", /unknown case or requirement "ack\/\*"/],
    [`${CASE}: x\n${CASE}: y`, /line 2: .* is listed twice/],
  ])("with the line %j is rejected", (text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  test("that is written can be read, and keeps known reasons", () => {
    const fails = (id: string, knownFailure = "") => ({
      ...resultOf(id, Outcome.FAIL, ["ACK-MONOTONE"]),
      knownFailure,
    });
    const report = reportOn([
      fails(CASE, "an old reason"),
      fails(`${CASE} (json)`, "an old reason"),
      resultOf("sync/base", Outcome.PASS),
      fails("sync/base (json)"),
      resultOf("sync/worked-example", Outcome.INCONCLUSIVE),
    ]);
    expect(read(knownFailuresText(report) ?? "")).toEqual([
      { id: CASE, reason: "an old reason" },
      { id: "sync/base (json)", reason: "violates ACK-MONOTONE: not ACK-MONOTONE" },
    ]);
  });

  test("keeps the entries of cases without a verdict in this run, and no others", () => {
    const known = [
      { id: CASE, reason: "was not run" },
      { id: "sync/worked-example", reason: "is inconclusive this time" },
      { id: "sync/base", reason: "passes now" },
    ];
    const report = reportOn([
      resultOf("sync/base", Outcome.PASS),
      resultOf("sync/worked-example", Outcome.INCONCLUSIVE),
    ]);
    expect(read(knownFailuresText(report, known) ?? "")).toEqual(known.slice(0, 2));
  });

  test("is not written by a run without any verdict", () => {
    const report = reportOn([resultOf("sync/base", Outcome.INCONCLUSIVE)]);
    expect(knownFailuresText(report, [{ id: CASE, reason: "kept" }])).toBeUndefined();
  });
});

test("entries that no longer fail are summed up in one line, in every format", () => {
  const report = reportOn([resultOf("sync/base", Outcome.PASS)]);
  const lineFor = (stale: string[], file?: string) => {
    report.staleKnownFailures = stale;
    return knownFailureLines(report, file);
  };
  expect(lineFor([])).toEqual([]);
  expect(lineFor(["ack/a"], "known.txt")).toEqual([
    ["red", "1 known failure now passes; remove it from known.txt: ack/a"],
  ]);
  expect(lineFor(["ack/a", "ack/b"], "known.txt")).toEqual([
    ["red", "2 known failures now pass; remove them from known.txt: ack/a, ack/b"],
  ]);
  for (const format of ["markdown", "html", "junit", "tap"] as const)
    expect(renderers[format](report)).toContain(
      "2 known failures now pass; remove them from the list of known failures: ack/a, ack/b",
    );
});
