import { describe, expect, test } from "vitest";
import { type ConformanceOptions, checkOptions, seedOf } from "./options.js";

const urls = ["http://127.0.0.1:8080"];

describe("options of describeConformance", () => {
  test("that exist are accepted", () => {
    expect(() => checkOptions({ urls, thorough: true, seed: 7, codecs: ["json"], select: () => true })).not.toThrow();
    expect(() => checkOptions({ urls: () => urls })).not.toThrow();
  });

  test.each([
    [{ url: urls[0] }, /^describeConformance: unknown option "url"; did you mean "urls"\?$/],
    [{ urls, timeoutscale: 2 }, /unknown option "timeoutscale"; did you mean "timeoutScale"\?/],
    [{ urls, zzzzzzzzzzz: 2 }, /unknown option "zzzzzzzzzzz"; use accounts, /],
    [{ urls, signal: undefined }, /unknown option "signal"/],
    [{ urls: urls[0] }, /"urls" must be a list of URLs, or a function/],
    [{}, /"urls" must be a list/],
    [undefined, /expected options/],
    [{ urls, codecs: ["xml"] }, /"codecs" must be a list of "proto" and "json"/],
    [{ urls, seed: -1 }, /"seed" must be a whole number from 0 to 4294967295/],
    [{ urls, thorough: "yes" }, /"thorough" must be true or false/],
    [{ urls, select: "ack" }, /"select" must be a function/],
  ])("%j is rejected", (options, why) => {
    expect(() => checkOptions(options as unknown as ConformanceOptions)).toThrow(why);
  });

  test("the seed can come from the environment", () => {
    expect(seedOf({})).toBe(undefined);
    expect(seedOf({ SEQSYNC_SEED: "7" })).toBe(7);
    expect(() => seedOf({ SEQSYNC_SEED: "x" })).toThrow(/SEQSYNC_SEED must be a whole number/);
  });
});
