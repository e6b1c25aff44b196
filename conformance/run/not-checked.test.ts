import { describe, expect, test } from "vitest";
import { type CaseResult, Outcome, ReasonCode, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { EXIT } from "../cli/exit.js";
import { exitCodeOf } from "../cli/exit-code.js";
import { renderers } from "../report/formats/renderers.js";
import { renderReport } from "../report/formats/terminal.js";
import { byProfile, headlineOf } from "../report/model/summary.js";
import { REQUIREMENTS, type RequirementId } from "../requirements/requirements.js";
import { isCheckable } from "../requirements/unchecked.js";
import { caseWith, failedCase, reportOf } from "../selftest/support/sample-report.js";

/** Requirements of servers with these profiles, without MAYs. */
const requirementsOf = (profiles: readonly string[]) =>
  (Object.keys(REQUIREMENTS) as RequirementId[]).filter(
    (id) =>
      REQUIREMENTS[id].level !== "MAY" &&
      isCheckable(REQUIREMENTS[id].profile) &&
      profiles.includes(REQUIREMENTS[id].profile),
  );

const result = (id: string, requirements: readonly string[], outcome: Outcome, reasonCode: ReasonCode, reason = "") =>
  Object.assign(caseWith(id, outcome, reason), { requirements: [...requirements], reasonCode });

/** A report of a server with CORE alone: every requirement passes but those of the other cases. */
function coreReport(others: readonly CaseResult[]): Report {
  const open = new Set(others.flatMap(({ requirements }) => requirements));
  const passed = requirementsOf(["CORE"]).filter((id) => !open.has(id));
  return reportOf([result("x/rest", passed, Outcome.PASS, ReasonCode.UNSPECIFIED), ...others], { profiles: ["CORE"] });
}

const listed = ({ notChecked }: Report) =>
  notChecked.map(({ reasonCode, reason, requirements }) => [reasonCode, reason, requirements]);

const { NOT_APPLICABLE, INCONCLUSIVE, PASS } = Outcome;

describe("a requirement is listed as not checked", () => {
  test.each([
    ["an option is missing", NOT_APPLICABLE, ReasonCode.NO_RESTART_COMMAND, "needs --restart-command"],
    ["a thorough case was not requested", INCONCLUSIVE, ReasonCode.THOROUGH, "needs --thorough"],
    ["a fixture is missing", INCONCLUSIVE, ReasonCode.NO_FIXTURE, "needs the fixture RotateEpoch"],
    ["accounts are missing", INCONCLUSIVE, ReasonCode.ACCOUNTS, "needs 4 accounts"],
    ["the server's limits do not allow it", INCONCLUSIVE, ReasonCode.SERVER_LIMIT, "max_payload_bytes is 1"],
  ] as const)("if %s", (_, outcome, code, reason) => {
    const report = coreReport([result("x/a", ["DUR-NEW-EPOCH"], outcome, code, reason)]);
    expect(listed(report)).toEqual([[code, reason, ["DUR-NEW-EPOCH"]]]);
  });

  test("if no case of it was selected, or it is in another part of the run", () => {
    const [first, ...rest] = requirementsOf(["CORE"]);
    const passed = [result("x/rest", rest, PASS, ReasonCode.UNSPECIFIED)];
    expect(listed(reportOf(passed, { profiles: ["CORE"] }))).toEqual([
      [ReasonCode.NOT_SELECTED, "not selected for this run", [first]],
    ]);
    expect(listed(reportOf(passed, { profiles: ["CORE"], shard: "2/3" }))).toEqual([
      [ReasonCode.NOT_SELECTED, "not in the part 2/3 of this run", [first]],
    ]);
  });

  test("if its only case failed for another requirement", () => {
    const failed = { ...failedCase("x/a", ["SYNC-BASE"]), requirements: ["SYNC-NEXT"] };
    expect(listed(coreReport([failed]))).toMatchObject(
      [[ReasonCode.OTHER_VIOLATION, /another/, ["SYNC-NEXT"]]].map(([code, , ids]) => [
        code,
        expect.stringContaining("another violation"),
        ids,
      ]),
    );
  });

  test("together with all others of the same reason", () => {
    const cases = ["SYNC-BASE", "SYNC-NEXT"].map((id) =>
      result(`x/${id}`, [id], INCONCLUSIVE, ReasonCode.ACCOUNTS, "needs 4 accounts"),
    );
    expect(listed(coreReport(cases))).toEqual([[ReasonCode.ACCOUNTS, "needs 4 accounts", ["SYNC-BASE", "SYNC-NEXT"]]]);
  });
});

describe("a requirement is not listed", () => {
  test("if one of its cases passed", () => {
    const cases = [
      result("x/a", ["SYNC-BASE"], INCONCLUSIVE, ReasonCode.THOROUGH, "needs --thorough"),
      result("x/b", ["SYNC-BASE"], PASS, ReasonCode.UNSPECIFIED),
    ];
    expect(listed(coreReport(cases))).toEqual([]);
  });

  test("if it does not apply, because of the declared profiles", () => {
    const cases = [
      result("x/a", ["INFO-UNDECLARED"], NOT_APPLICABLE, ReasonCode.PROFILE, "the server declares WATCH"),
      result("x/b", ["WATCH-WAKE"], NOT_APPLICABLE, ReasonCode.PROFILE, "the server does not declare WATCH"),
    ];
    expect(listed(coreReport(cases))).toEqual([]);
  });
});

describe("a MUST that was not checked", () => {
  const open = [
    result("x/a", ["DUR-NEW-EPOCH"], NOT_APPLICABLE, ReasonCode.NO_RESTART_COMMAND, "needs --restart-command"),
  ];
  const report = coreReport(open);
  const LINE = "not checked: DUR-NEW-EPOCH (needs --restart-command)";

  test("is never behind the mark of a pass", () => {
    const [core] = byProfile(report);
    expect(core?.text).toMatchObject({ mark: "◐", word: "no violation found" });
    expect(core?.requirements).toMatch(/^\d+ pass, 1 not checked$/);
    expect(byProfile(coreReport([])).map(({ text }) => text.mark)).toEqual(["✓"]);
  });

  test("is in the verdict, which stays a pass", () => {
    expect(headlineOf(report)).toBe("No violation was found in what was checked; 1 MUST was not checked.");
    expect(headlineOf(coreReport([]))).toBe("The server meets every requirement that was checked.");
    expect(exitCodeOf(report)).toBe(EXIT.ok);
  });

  test("gives exit code 3 with --strict", () => {
    expect(exitCodeOf(report, { strict: true })).toBe(EXIT.inconclusive);
    expect(exitCodeOf(coreReport([]), { strict: true })).toBe(EXIT.ok);
    const failed = coreReport([...open, failedCase("x/b", ["SYNC-BASE"])]);
    expect(exitCodeOf(failed, { strict: true })).toBe(EXIT.violation);
  });

  test("is named at the end of every format, with the reason", () => {
    const plain = (_: unknown, text: string) => text;
    expect(renderReport(report, plain)).toContain(`\n  ${LINE}\n`);
    expect(renderers.markdown(report)).toContain(`- ${LINE}\n`);
    expect(renderers.html(report)).toContain(`<li>${LINE}</li>`);
    expect(renderers.tap(report)).toContain(`\n# ${LINE}\n`);
    expect(renderers.tap(report)).toMatch(/ # SKIP needs --restart-command\n/);
    expect(renderers.junit(report)).toContain(`value="${LINE}"`);
    expect(renderers.junit(report)).toContain('<skipped message="needs --restart-command"/>');
    expect(renderers.json(report)).toContain("REASON_CODE_NO_RESTART_COMMAND");
  });

  test("of a SHOULD is named, but does not change the verdict", () => {
    const should = coreReport([
      result("x/a", ["HTTP-MALFORMED-REASON"], INCONCLUSIVE, ReasonCode.THOROUGH, "needs --thorough"),
    ]);
    expect(should.notChecked).toHaveLength(1);
    expect(byProfile(should)[0]?.text.mark).toBe("?");
    expect(exitCodeOf(should, { strict: true })).toBe(EXIT.ok);
  });
});
