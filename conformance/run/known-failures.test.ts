import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../cases/catalogue.js";
import { exitCodeOf } from "../cli/exit-code.js";
import { Outcome, reportOn, resultOf } from "../selftest/support/reports.js";
import { type KnownFailure, markKnownFailures } from "./known-failures.js";

const ONE = "ack/old-device-does-not-lower";
const REQUIREMENT = "ACK-MONOTONE";
const known = (...ids: string[]): KnownFailure[] => ids.map((id) => ({ id, reason: `reason of ${id}` }));

function marked(cases: Parameters<typeof reportOn>[0], list: KnownFailure[], shard = "") {
  const report = reportOn(cases, { shard });
  markKnownFailures(report, list);
  return { ...report, code: exitCodeOf(report), reasons: report.cases.map(({ knownFailure }) => knownFailure) };
}

const fails = (id = ONE) => resultOf(id, Outcome.FAIL, [REQUIREMENT]);
const passes = (id = ONE) => resultOf(id, Outcome.PASS);

describe("a failure", () => {
  test("that is not known gives exit code 1", () => {
    expect(marked([fails()], [])).toMatchObject({ code: 1, reasons: [""], staleKnownFailures: [] });
  });

  test("that is known gives exit code 0; the verdict stays fail", () => {
    const report = marked([fails(), passes("ack/answering-does-not-ack")], known(ONE));
    expect(report).toMatchObject({ code: 0, verdict: Outcome.FAIL, staleKnownFailures: [] });
    expect(report.reasons).toEqual([`reason of ${ONE}`, ""]);
  });

  test("can be known in one codec only", () => {
    expect(marked([fails(), fails(`${ONE} (json)`)], known(`${ONE} (json)`)).reasons).toEqual([
      "",
      `reason of ${ONE} (json)`,
    ]);
    expect(marked([fails(), fails(`${ONE} (json)`)], known(ONE)).code).toBe(0);
  });

  test("can be known by its requirement, if it violates no other MUST", () => {
    const both = resultOf(ONE, Outcome.FAIL, [REQUIREMENT, "ACK-NO-REDELIVERY"]);
    expect(marked([fails()], known(REQUIREMENT)).code).toBe(0);
    expect(marked([both], known(REQUIREMENT)).code).toBe(1);
    expect(marked([both], known(REQUIREMENT, "ACK-NO-REDELIVERY")).code).toBe(0);
  });

  test("that is known hides neither another failure nor an inconclusive case", () => {
    expect(marked([fails(), fails("ack/answering-does-not-ack")], known(ONE)).code).toBe(1);
    const inconclusive = resultOf("ack/answering-does-not-ack", Outcome.INCONCLUSIVE);
    expect(marked([fails(), inconclusive], known(ONE)).code).toBe(3);
    expect(marked([fails(), resultOf("ack/answering-does-not-ack", Outcome.ERROR)], known(ONE)).code).toBe(3);
  });
});

describe("an entry of the list is stale and gives exit code 1", () => {
  test("if its case passes in all codecs of the run", () => {
    expect(marked([passes()], known(ONE))).toMatchObject({ code: 1, staleKnownFailures: [ONE] });
    expect(marked([passes(), fails(`${ONE} (json)`)], known(ONE))).toMatchObject({ code: 0, staleKnownFailures: [] });
  });

  test("but not if its case was not run or has no verdict", () => {
    for (const outcome of [Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.ERROR])
      expect(marked([resultOf(ONE, outcome)], known(ONE)).staleKnownFailures).toEqual([]);
    expect(marked([passes("ack/answering-does-not-ack")], known(ONE)).staleKnownFailures).toEqual([]);
  });

  test("if no finding blames its requirement, and all cases that check it pass", () => {
    const checking = CATALOGUE.filter(({ requirements }) => requirements.includes(REQUIREMENT)).map(({ id }) => id);
    expect(checking.length).toBeGreaterThan(1);
    const all = checking.map((id) => passes(id));
    expect(marked(all, known(REQUIREMENT)).staleKnownFailures).toEqual([REQUIREMENT]);
    expect(marked(all.slice(1), known(REQUIREMENT)).staleKnownFailures).toEqual([]);
    const blamedElsewhere = [...all, fails("sync/base")];
    expect(marked(blamedElsewhere, known(REQUIREMENT)).staleKnownFailures).toEqual([]);
  });

  test("but not in the report on a part of a run", () => {
    expect(marked([passes()], known(ONE), "1/2")).toMatchObject({ code: 0, staleKnownFailures: [] });
  });
});
