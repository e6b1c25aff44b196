import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { CAUSE_OF, SPECIAL_CASE_OF } from "../../requirements/explains.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";
import { caseWith, failedCase } from "../../selftest/support/sample-report.js";
import { groupByRequirement } from "./grouping.js";

/** A case about `requirements`, that blames `blamed` in this order; it passes without any. */
function result(id: string, requirements: readonly string[], ...blamed: string[]) {
  const made = blamed.length === 0 ? caseWith(id, Outcome.PASS) : failedCase(id, blamed);
  return Object.assign(made, { requirements: [...requirements] });
}

const order = (...cases: readonly ReturnType<typeof result>[]) =>
  groupByRequirement(cases).map(({ requirement }) => requirement);

describe("the requirement that comes first", () => {
  test("is the one that a case is about, not an earlier finding of the judge", () => {
    expect(order(result("x/a", ["PAGE-CAP"], "SYNC-NEXT", "PAGE-CAP"))).toEqual(["PAGE-CAP", "SYNC-NEXT"]);
  });

  test("explains most cases, and a case in two codecs is one case", () => {
    const twice = [result("x/a", ["PAGE-CAP"], "PAGE-CAP"), result("x/a (json)", ["PAGE-CAP"], "PAGE-CAP")];
    const others = [result("x/b", ["SYNC-NEXT"], "SYNC-NEXT"), result("x/c", ["SYNC-NEXT"], "SYNC-NEXT")];
    expect(order(...twice, ...others)).toEqual(["SYNC-NEXT", "PAGE-CAP"]);
  });

  test("is a MUST before a SHOULD", () => {
    const should = [1, 2, 3].map((nr) => result(`x/${nr}`, ["WATCH-WAKE-SOON"], "WATCH-WAKE-SOON"));
    expect(order(...should, result("x/a", ["PAGE-CAP"], "PAGE-CAP"))).toEqual(["PAGE-CAP", "WATCH-WAKE-SOON"]);
  });

  test("is a special case, as long as the general requirement holds elsewhere", () => {
    const general = [1, 2, 3].map((nr) => result(`x/${nr}`, ["PAGE-CAP"], "SEND-ACCEPT"));
    const special = result("x/self", ["SEND-SELF"], "SEND-ACCEPT", "SEND-SELF");
    expect(order(...general, special)[0]).toBe("SEND-SELF");
    expect(order(...general, special, result("x/plain", ["SEND-ACCEPT"], "SEND-ACCEPT"))[0]).toBe("SEND-ACCEPT");
  });

  test("is no special case if the general requirement fails in far more cases", () => {
    const general = Array.from({ length: 16 }, (_, nr) => result(`x/${nr}`, ["PAGE-CAP"], "SEND-ACCEPT"));
    expect(order(...general, result("x/self", ["SEND-SELF"], "SEND-SELF"))[0]).toBe("SEND-ACCEPT");
  });

  test("is a cause, even if its consequences fail everywhere", () => {
    const consequences = Array.from({ length: 9 }, (_, nr) => result(`x/${nr}`, ["SYNC-BASE"], "SYNC-BASE"));
    expect(order(...consequences, result("x/ack", ["ACK-IMPLICIT"], "ACK-IMPLICIT"))[0]).toBe("ACK-IMPLICIT");
  });

  test("is no cause that only cases about other requirements blame", () => {
    const cases = [1, 2].map((nr) => result(`x/${nr}`, ["SYNC-BASE"], "SYNC-BASE"));
    expect(order(...cases, result("x/ack", ["PAGE-CAP"], "ACK-IMPLICIT"))[0]).toBe("SYNC-BASE");
  });
});

test("declared explanations name requirements that differ, and do not go round in a circle", () => {
  const edges = [SPECIAL_CASE_OF, CAUSE_OF].flatMap((relation) =>
    Object.entries(relation).flatMap(([from, to]) => to.map((it) => [from, it] as const)),
  );
  expect(edges.flat().filter((id) => !(id in REQUIREMENTS))).toEqual([]);
  expect(new Set(edges.map(String)).size).toBe(edges.length);
  const reaches = (from: string, to: string): boolean =>
    edges.some(([a, b]) => a === from && (b === to || reaches(b, to)));
  expect(edges.filter(([from]) => reaches(from, from))).toEqual([]);
});
