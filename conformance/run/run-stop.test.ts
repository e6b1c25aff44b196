import { expect, test, vi } from "vitest";
import { Outcome, ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { isAfterLastResponse, RunStop } from "./run-stop.js";

test("cases in a row that do not end within their time limit end the run, the fewer the less concurrency there is", () => {
  for (const [concurrency, most] of [
    [1, 3],
    [8, 8],
    [64, 16],
  ] as const) {
    const stop = new RunStop(concurrency);
    for (let n = 1; n < most; n += 1) stop.caseEnded(ReasonCode.TIMEOUT);
    // A case that ends in time begins the count anew.
    stop.caseEnded(ReasonCode.UNSPECIFIED);
    for (let n = 1; n < most; n += 1) stop.caseEnded(ReasonCode.TIMEOUT);
    expect(stop.reason).toBeUndefined();
    stop.caseEnded(ReasonCode.TIMEOUT);
    expect(stop.reason?.headline).toMatch(new RegExp(`^${most} cases in a row did not end`));
    expect(stop.signal.aborted).toBe(true);
  }
});

test("the time limit of a run ends it, and the first reason counts", () => {
  vi.useFakeTimers();
  try {
    const stop = new RunStop(1);
    stop.stopAfter(2000);
    vi.advanceTimersByTime(1999);
    expect(stop.reason).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(stop.reason?.headline).toBe("the run did not end within its time limit of 2 s; see --time-limit");
    for (let n = 0; n < 16; n += 1) stop.caseEnded(ReasonCode.TIMEOUT);
    expect(stop.reason?.headline).toMatch(/--time-limit$/);
  } finally {
    vi.useRealTimers();
  }
});

test("a violation that a case reports after the last response of a silent server is none", () => {
  const silent = { responses: 7, lastResponse: new Date(10_000), why: "no response" };
  const after = (outcome: Outcome, endedAt: number | undefined, it: typeof silent | undefined = silent) =>
    isAfterLastResponse({ outcome }, endedAt, { silent: it });
  expect(after(Outcome.FAIL, 11_001)).toBe(true);
  expect(after(Outcome.WARN, 11_001)).toBe(true);
  // What the last response itself shows still counts.
  expect(after(Outcome.FAIL, 11_000)).toBe(false);
  expect(after(Outcome.PASS, 11_001)).toBe(false);
  expect(after(Outcome.FAIL, undefined)).toBe(false);
  expect(isAfterLastResponse({ outcome: Outcome.FAIL }, 11_001, { silent: undefined })).toBe(false);
});
