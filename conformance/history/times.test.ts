import { create, toJsonString } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { closestDuration, durationProblem, timestampProblem } from "./times.js";

const HUGE = 2n ** 63n - 1n;

it.each([
  [HUGE, 2 ** 31 - 1],
  [-HUGE, -(2 ** 31)],
  [600n, -5],
  [-600n, 5],
  [0n, 2 ** 31 - 1],
])("a Duration of %s s and %s ns is a problem, and the closest one has a JSON form", (seconds, nanos) => {
  expect(durationProblem({ seconds, nanos })).toBe(`${seconds} s and ${nanos} ns, which is not a Duration`);
  expect(() => toJsonString(DurationSchema, create(DurationSchema, closestDuration({ seconds, nanos })))).not.toThrow();
});

it("a valid Duration stays as it is", () => {
  for (const duration of [
    { seconds: 600n, nanos: 5 },
    { seconds: -1n, nanos: -5 },
    { seconds: 0n, nanos: -5 },
  ]) {
    expect(closestDuration(duration)).toEqual(duration);
    expect(durationProblem(duration)).toBe(undefined);
  }
});

it("a Timestamp is a problem if its year has not four digits or its nanoseconds are out of range", () => {
  expect(timestampProblem({ seconds: 253_402_300_799n, nanos: 999_999_999 })).toBe(undefined);
  for (const [seconds, nanos] of [
    [253_402_300_800n, 0],
    [-62_135_596_801n, 0],
    [0n, -1],
    [0n, 1e9],
  ] as const)
    expect(timestampProblem({ seconds, nanos })).toMatch(/is not a Timestamp/);
});
