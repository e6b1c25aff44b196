import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Reason, ReasonSchema } from "../proto/gen/seqsync/v1/error_pb.js";
import { CODE_OF, HTTP_STATUS, refuse } from "./errors.js";

const chapter = readFileSync(join(import.meta.dirname, "../docs/spec/errors.md"), "utf8");

/** The matching rows of the tables of the chapter, as cells without backquotes. */
const rows = (pattern: RegExp) =>
  chapter
    .split("\n")
    .filter((line) => pattern.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );

describe("the table of errors equals that of the specification", () => {
  const reasons = rows(/^\| .+ \| .+ \| `[a-z_]+` \| [A-Z_]+ \|$/);
  const statuses = new Map(rows(/^\| `[a-z_]+` \| \d+ \|$/) as [string, string][]);

  test("each reason has its code", () => {
    const table = Object.fromEntries(reasons.map(([, , code, reason]) => [reason, code]));
    const actual = Object.fromEntries(Object.entries(CODE_OF).map(([reason, code]) => [Reason[Number(reason)], code]));
    expect(actual).toEqual(table);
    expect(reasons).toHaveLength(ReasonSchema.values.length - 1);
  });

  test("each code has its HTTP status", () => {
    expect(statuses.size).toBe(16);
    for (const [code, status] of Object.entries(HTTP_STATUS))
      expect([code, `${status}`]).toEqual([code, statuses.get(code)]);
  });
});

test("the detail of a refusal has the reason, and the state if given", () => {
  expect(refuse(Reason.CLI_SEQ_AHEAD, "ahead", { svrSeq: 7, epoch: "e1" })).toMatchObject({
    code: "out_of_range",
    message: "ahead",
    detail: { reason: Reason.CLI_SEQ_AHEAD, svrSeq: 7, epoch: "e1" },
  });
  expect(refuse(Reason.BACKLOG_FULL, "full").detail).toMatchObject({ svrSeq: 0, epoch: "" });
});
