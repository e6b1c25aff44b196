import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { CATALOGUE, chapterOf } from "../cases/catalogue.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { caseRuns } from "../run/case-run.js";
import { type Selection, selectBy } from "./select.js";
import { parseShard } from "./shard.js";

const ALL = caseRuns(CATALOGUE, ["proto", "json"]);
const chosen = (selection: Selection) => ALL.filter(selectBy(selection));
const ids = (selection: Selection) => chosen(selection).map(({ id }) => id);
const CASE = "ack/old-device-does-not-lower";

describe("cases are selected", () => {
  test("all, without criteria", () => {
    expect(chosen({})).toHaveLength(ALL.length);
  });

  test("by id in both codecs, by id with its codec, by chapter, by requirement, ignoring case", () => {
    expect(ids({ only: [CASE] })).toEqual([CASE, `${CASE} (json)`]);
    expect(ids({ only: [`${CASE} (json)`] })).toEqual([`${CASE} (json)`]);
    expect(new Set(chosen({ only: ["ACK"] }).map((run) => chapterOf(run.case)))).toEqual(new Set(["ack"]));
    const byRequirement = chosen({ only: ["ack-monotone"] });
    expect(byRequirement.every((run) => run.case.requirements.includes("ACK-MONOTONE"))).toBe(true);
    expect(byRequirement.length).toBeGreaterThan(0);
  });

  test("by patterns, in which only the asterisk is special", () => {
    expect(ids({ only: ["ack/old-device*"] })).toContain(CASE);
    expect(ids({ only: ["ack/*", "sync/*"] }).length).toBe(
      ids({ only: ["ack/*"] }).length + ids({ only: ["sync/*"] }).length,
    );
    expect(() => selectBy({ only: ["ack/."] })).toThrow(/matches "ack\/\."/);
  });

  test("except those that --skip matches", () => {
    expect(ids({ only: ["ack"], skip: ["*old-device*"] })).not.toContain(CASE);
    expect(ids({ only: ["ack"], skip: ["*old-device*"] }).length).toBeGreaterThan(0);
  });

  test("by profile, level and codec", () => {
    const watch = chosen({ profile: ["WATCH"] });
    expect(watch.length).toBeGreaterThan(0);
    expect(watch.every((run) => REQUIREMENTS[run.case.requirements[0]].profile === "WATCH")).toBe(true);
    const should = chosen({ level: "SHOULD" });
    expect(should.length).toBeGreaterThan(0);
    expect(should.length).toBeLessThan(chosen({ level: "MUST" }).length);
    expect(chosen({ codec: "json" }).every(({ codec }) => codec === "json")).toBe(true);
  });
});

describe("a bulk case", () => {
  const BULK = "page/size-1";

  test("runs once, in the first codec that is checked", () => {
    expect(ids({ only: [BULK] })).toEqual([BULK]);
    const inJson = caseRuns(CATALOGUE, ["json"]).filter(selectBy({ only: [BULK], codec: "json" }));
    expect(inJson).toMatchObject([{ id: `${BULK} (json)`, codec: "json" }]);
  });

  test("can be named with the codec in which it ran", () => {
    const named = selectBy({ only: [`${BULK} (json)`], codec: "json" });
    expect(caseRuns(CATALOGUE, ["json"]).filter(named)).toHaveLength(1);
    expect(() => selectBy({ only: [`${BULK} (json)`] })).toThrow(/selection has no cases/);
  });
});

describe("a selection is rejected", () => {
  test.each([
    [{ only: ["ack/old-device-does-not-lowr"] }, /did you mean "ack\/old-device-does-not-lower/],
    [{ skip: ["ACK-MONOTON"] }, /did you mean "ACK-MONOTONE"/],
    [{ only: ["akc/*"] }, /did you mean "ack\/\*"/],
    [{ only: ["qqqqqqqqqqqqqqqqqqq"] }, /seqsync list/],
    [{ profile: ["WACH"] }, /did you mean "WATCH"/],
    [{ only: ["ack"], skip: ["ack"] }, /selection has no cases/],
    [{ only: [CASE], shard: { index: 7, of: 9 } }, /only 2 cases/],
  ])("that matches nothing: %j", (selection, why) => {
    expect(() => selectBy(selection)).toThrow(why);
  });
});

describe("shards", () => {
  test("are of equal size, are disjoint, cover all cases, and each has cases of many chapters", () => {
    const parts = [1, 2, 3].map((index) => chosen({ shard: { index, of: 3 } }));
    const together = parts.flat().map(({ id }) => id);
    expect(together.toSorted()).toEqual(ALL.map(({ id }) => id).toSorted());
    const sizes = parts.map((part) => part.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    for (const part of parts) {
      expect(new Set(part.map((run) => chapterOf(run.case))).size).toBeGreaterThan(8);
      expect(new Set(part.map(({ codec }) => codec)).size).toBe(2);
    }
  });

  test("are given as i/n", () => {
    expect(parseShard("2/3")).toEqual({ index: 2, of: 3 });
    for (const wrong of ["0/3", "4/3", "3", "a/b", "1/2/3", "-1/3", "1/0"])
      expect(() => parseShard(wrong)).toThrow(InvalidArgumentError);
  });
});
