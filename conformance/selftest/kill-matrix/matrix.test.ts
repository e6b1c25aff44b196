import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../cases/catalogue.js";
import type { MutantResult } from "./examine.js";
import { candidates, casesWithoutKills, lost, matrixOf, STIMULI, shortcomings } from "./matrix.js";

const finding = { requirement: "ACK-IMPLICIT", case: "ack/old-device", message: "not acked", actual: "0" };
const [first] = CATALOGUE;

/** What was found of a fault that was caught as it should be. */
const caught = (name: string, change: Partial<MutantResult> = {}): MutantResult => ({
  name,
  requirement: "ACK-IMPLICIT",
  about: "acks nothing | at all",
  killed: true,
  right: true,
  blamed: ["ACK-IMPLICIT", "SYNC-BASE"],
  killedBy: [first?.id ?? ""],
  own: [`${first?.id}: ACK-IMPLICIT`],
  baseline: [],
  findings: [finding],
  errors: [],
  seconds: 1,
  ...change,
});
const clean = caught("control", { requirement: "", killed: false, right: false, killedBy: [], own: [], findings: [] });
const many = (count: number) => Array.from({ length: count }, (_, nr) => caught(`fault-${nr}`));

test("a matrix in which all are caught and rightly blamed has no shortcoming", () => {
  expect(shortcomings(matrixOf(many(20), clean))).toEqual([]);
});

test("a fault that is alive is one, whatever the others are", () => {
  const alive = caught("sneaky", { killed: false, right: false, blamed: [], killedBy: [], own: [], findings: [] });
  expect(shortcomings(matrixOf([...many(99), alive], clean))).toEqual(["alive: sneaky (ACK-IMPLICIT)"]);
});

test("blame has to be right in 95 of 100", () => {
  const wrong = (nr: number) => caught(`wrong-${nr}`, { right: false, blamed: ["SYNC-BASE"] });
  expect(shortcomings(matrixOf([...many(95), ...[1, 2, 3, 4, 5].map(wrong)], clean))).toEqual([]);
  expect(shortcomings(matrixOf([...many(94), ...[1, 2, 3, 4, 5, 6].map(wrong)], clean))).toEqual([
    "the broken requirement is blamed for 94 of 100: less than 95 %",
  ]);
});

test("a finding on the right server is a false alarm, and an error of the suite is no success", () => {
  const matrix = matrixOf([caught("a", { errors: ["ack/old-device: TypeError"] })], { ...clean, findings: [finding] });
  expect(shortcomings(matrix)).toEqual([
    "false alarm: ack/old-device blames ACK-IMPLICIT on the right server: not acked",
    "suite error: a: ack/old-device: TypeError",
  ]);
});

test("each case is listed with what it catches, and those that catch nothing are counted", () => {
  const { cases, counts } = matrixOf(many(2), clean);
  expect(cases[0]).toEqual({ id: first?.id, kills: ["fault-0", "fault-1"], own: ["fault-0", "fault-1"] });
  expect(counts).toMatchObject({ cases: CATALOGUE.length, idle: CATALOGUE.length - 1 });
});

test("a case that catches nothing is told, and so is one that catches nothing by what it expects, unless a reason is known", () => {
  const found = (change: Partial<MutantResult>) => casesWithoutKills(matrixOf([caught("a", change)], clean));
  expect(found({}).some((it) => it.includes(`${first?.id}`))).toBe(false);
  expect(found({ own: [] })).toContain(`idle: what ${first?.id} itself expects catches no fault`);
  expect(found({ killedBy: [] })).toContain(`idle: ${first?.id} catches no fault`);
  const [stimulus = ""] = Object.keys(STIMULI);
  expect(found({ killedBy: [stimulus], own: [] }).filter((it) => it.includes(stimulus))).toEqual([]);
  expect(Object.keys(STIMULI).filter((id) => !CATALOGUE.some((it) => it.id === id))).toEqual([]);
});

describe("held against an earlier matrix", () => {
  const steady = ["ack/old-device-does-not-lower: ACK-MONOTONE", "ack/sync-acks-through-cli-seq: ACK-IMPLICIT"];
  const earlier = (change: Partial<MutantResult> = {}) =>
    matrixOf([caught("a", { baseline: steady, ...change })], clean);
  const none = new Set<string>();

  test("an expectation that caught something then and does not now is told", () => {
    const now = [caught("a", { own: steady.slice(0, 1) })];
    expect(lost(now, earlier(), none)).toEqual([{ name: "a", own: steady.slice(1) }]);
    const told = shortcomings(matrixOf(now, clean), lost(now, earlier(), none));
    expect(told).toEqual([`lost: ${steady[1]}: what the case expected of a before`]);
    expect(lost([caught("a", { own: steady })], earlier(), none)).toEqual([]);
  });

  test("what is not steady is not, nor what is a race, what is new, or a case that is gone", () => {
    const now = [caught("a", { own: [] })];
    expect(lost(now, earlier({ own: steady, baseline: [] }), none)).toEqual([]);
    expect(lost(now, earlier(), new Set(["a"]))).toEqual([]);
    expect(lost([caught("b", { own: [] })], earlier(), none)).toEqual([]);
    expect(lost(now, earlier({ baseline: ["gone/case: ACK-IMPLICIT"] }), none)).toEqual([]);
  });

  test("steady can be what is about the broken requirement, and does not take long", () => {
    const own = [...steady, "send/retry-after-a-while: ACK-REDELIVER"];
    expect(candidates(caught("a", { own, requirement: "ACK-IMPLICIT" }))).toEqual(steady.slice(1));
    expect(candidates(caught("a", { own, requirement: "ACK-REDELIVER" }))).toEqual([]);
  });
});
