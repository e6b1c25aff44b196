import { describe, expect, test } from "vitest";
import { newFinding } from "../findings.js";
import { blameAspects, searchAspects } from "./aspect-search.js";

interface Run {
  aspects: readonly string[];
  isFailed: boolean;
}

const ALL = ["chunked", "scheme", "packets", "ids", "payloads"];

/** Searches what fails as `fails` says; `fails` gets the aspects and the number of the run. */
async function search(
  fails: (aspects: ReadonlySet<string>, run: number) => boolean,
  { blamedAspects = new Map<string, number>(), isOver = (): boolean => false } = {},
) {
  const runs: string[][] = [];
  const execute = async (aspects: ReadonlySet<string>): Promise<Run> => {
    runs.push([...aspects]);
    return { aspects: [...aspects], isFailed: fails(aspects, runs.length) };
  };
  const result = await searchAspects<Run>(
    { aspects: ALL, isFailed: true },
    { execute, hasFailed: (it) => it.isFailed, variedIn: (it) => it.aspects, blamedAspects, isOver },
  );
  return { result, runs, blamedAspects };
}

describe("a search for the aspects of a failure", () => {
  test("ends with the plain run if that fails too", async () => {
    const { result, runs } = await search(() => true);
    expect(result).toEqual({ kind: "plain", execution: { aspects: [], isFailed: true } });
    expect(runs).toEqual([[]]);
  });

  test.each(ALL)("finds %s, with the run in which only that varied", async (name) => {
    const { result, blamedAspects } = await search((aspects) => aspects.has(name));
    expect(result).toEqual({ kind: "aspects", aspects: [name], execution: { aspects: [name], isFailed: true } });
    expect(blamedAspects).toEqual(new Map([[name, 1]]));
  });

  test("finds two aspects that are needed together", async () => {
    const { result, blamedAspects } = await search((aspects) => aspects.has("chunked") && aspects.has("payloads"));
    expect(result).toMatchObject({ kind: "aspects", aspects: ["chunked", "payloads"] });
    expect(blamedAspects.size).toBe(0);
  });

  test("tries first what another failure needed", async () => {
    const { result, runs } = await search((aspects) => aspects.has("ids"), { blamedAspects: new Map([["ids", 1]]) });
    expect(result).toMatchObject({ kind: "aspects", aspects: ["ids"] });
    expect(runs.slice(0, 2)).toEqual([[], ["ids"]]);
  });

  test("is unclear if the failure does not come again, comes by chance, or takes too long", async () => {
    const first = { kind: "unclear", execution: { aspects: ALL, isFailed: true } };
    expect((await search(() => false)).result).toEqual(first);
    // Passes in the first plain run only.
    expect((await search((_, run) => run > 1)).result).toEqual(first);
    expect((await search((aspects) => aspects.has("ids"), { isOver: () => true })).result).toEqual(first);
  });
});

describe("the blame", () => {
  const violation = {
    requirement: "ACK-MONOTONE",
    message: "the ack was lowered",
    expected: "2",
    actual: "1",
  } as const;
  const findings = [newFinding(violation), newFinding({ ...violation, requirement: "SEQ-MONOTONE" })];

  test("of a form is its requirement, which depends on the codec", () => {
    const message = expect.stringMatching(/^only with a body in other packets than the headers: the ack was lowered$/);
    expect(blameAspects(findings, ["packets"], "proto")).toMatchObject([{ requirement: "HTTP-BINARY", message }]);
    expect(blameAspects(findings, ["packets"], "json")).toMatchObject([{ requirement: "HTTP-JSON", message }]);
  });

  test("of contents, or of several aspects, are the requirements that were found", () => {
    for (const aspects of [["ids"], ["chunked", "scheme"]])
      expect(blameAspects(findings, aspects, "proto")).toMatchObject([
        { requirement: "ACK-MONOTONE", message: expect.stringMatching(/^only with .*: the ack was lowered$/) },
        { requirement: "SEQ-MONOTONE" },
      ]);
  });
});
