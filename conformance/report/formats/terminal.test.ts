import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import {
  bytes,
  caseWith,
  failedCase,
  hostileReport,
  reportOf,
  sendWithoutResponse,
  syncWithResponse,
} from "../../selftest/support/sample-report.js";
import { textDiagram } from "./diagram.js";
import { type Styler, stylerFor } from "./style.js";
import { renderReport } from "./terminal.js";
import { columns } from "./text.js";

const plain: Styler = (_, text) => text;
const history = [...sendWithoutResponse(1n, bytes("hi")), ...syncWithResponse(2n, "bob's phone", 0)];

describe("a report in a terminal", () => {
  const report = reportOf([failedCase("ack/a", ["ACK-NOT-ON-ANSWER"], history), caseWith("ack/b", Outcome.PASS)]);

  test("has chapters, violations, profiles, the verdict and the next step", () => {
    const reports = [{ format: "html", path: "out/report.html" }];
    expect(renderReport(report, plain, { width: 72, reports, spec: "docs/spec/" })).toBe(SHOWN);
  });

  test("keeps to the width, and does not break commands and links", () => {
    for (const width of [40, 60, 80, 120]) {
      const wide = reportOf([
        failedCase("ack/a", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"], history, {
          message: "long ".repeat(60),
          actual: "1,".repeat(300),
        }),
        caseWith("ack/b", Outcome.INCONCLUSIVE, "because ".repeat(40)),
      ]);
      const lines = renderReport(wide, plain, { width, detail: "verbose" }).split("\n");
      const unbroken = /^ +((reproduce|next step) |https:)/;
      expect(lines.filter((line) => columns(line) > width && !unbroken.test(line))).toEqual([]);
      expect(lines.filter((line) => line.includes(" --only ack/a --seed 7"))).toHaveLength(3);
    }
  });

  test("escapes control characters of a server", () => {
    for (const detail of ["quiet", "normal", "verbose"] as const) {
      expect(renderReport(hostileReport(), plain, { detail })).not.toMatch(/(?!\n)[\p{Cc}\u202e\u2028]/u);
    }
  });

  test("ends with the verdict, the report files and the next command", () => {
    const text = renderReport(report, plain, { reports: [{ format: "html", path: "out/report.html" }] });
    expect(text.split("\n").slice(-8)).toEqual([
      expect.stringMatching(/ and \d+ more \(not selected for this run\)$/),
      "",
      "The server violates at least one MUST.",
      "1 passed, 1 failed in 4.2 s, seed 7",
      "",
      "  html report     out/report.html",
      "  next step       npx seqsync check http://127.0.0.1:8080 --only ack/a --seed 7",
      "",
    ]);
  });

  test("is one line for each violated requirement with quiet, and the verdict", () => {
    expect(renderReport(report, plain, { detail: "quiet" })).toBe(
      [
        "✗ ACK-NOT-ON-ANSWER: a Sync acked messages that were only delivered  ack/a",
        "The server violates at least one MUST.",
        "1 passed, 1 failed in 4.2 s, seed 7\n",
      ].join("\n"),
    );
  });

  test("names every case with verbose", () => {
    expect(renderReport(report, plain)).not.toContain("✓ ack/b");
    expect(renderReport(report, plain, { detail: "verbose" })).toContain("✓ ack/b");
  });

  test("shows only the first of many violations in full, and the last by name", () => {
    const ids = [
      "ACK-IMPLICIT",
      "ACK-FAILED",
      "ACK-MONOTONE",
      "SYNC-BASE",
      "SYNC-RANGE",
      "PAGE-CAP",
      "DEV-LAGGING",
      "HTTP-PATH",
      "HTTP-JSON",
      "HTTP-BINARY",
    ];
    const text = renderReport(reportOf(ids.map((id) => failedCase(`x/${id.toLowerCase()}`, [id], history))), plain);
    expect(text.match(/^ +alice/gm)).toHaveLength(3);
    expect(text.match(/^✗/gm)).toHaveLength(8);
    expect(text).toMatch(/and 2 more: PAGE-CAP, DEV-LAGGING/);
  });

  test("names inconclusive cases with the reason", () => {
    const text = renderReport(reportOf([caseWith("ack/a", Outcome.INCONCLUSIVE, "no accounts")]), plain);
    expect(text).toContain("? 1 inconclusive: no accounts\n  ack/a");
  });
});

describe("styles", () => {
  const isStyled = (env: Record<string, string | undefined>, isTTY: boolean) => {
    const before = { ...process.env };
    Object.assign(process.env, env);
    for (const [name, value] of Object.entries(env)) if (value === undefined) delete process.env[name];
    try {
      return stylerFor({ isTTY })("red", "x") !== "x";
    } finally {
      process.env = before;
    }
  };

  test.each([
    [true, { NO_COLOR: undefined, FORCE_COLOR: undefined }, true],
    [false, { NO_COLOR: undefined, FORCE_COLOR: undefined }, false],
    [true, { NO_COLOR: "1", FORCE_COLOR: undefined }, false],
    [true, { NO_COLOR: "", FORCE_COLOR: undefined }, true],
    [false, { NO_COLOR: undefined, FORCE_COLOR: "1" }, true],
    [true, { NO_COLOR: undefined, FORCE_COLOR: "0" }, false],
  ] as const)("on a TTY (%s) with %o: %s", (isTTY, env, expected) => {
    expect(isStyled(env, isTTY)).toBe(expected);
  });
});

describe("a sequence diagram as text", () => {
  test("has a lifeline for each client and one for the server", () => {
    expect(textDiagram(history, 60)).toEqual(DRAWN);
  });

  test("has one lifeline for many clients", () => {
    const many = Array.from({ length: 9 }, (_, index) =>
      syncWithResponse(BigInt(index + 1), `bob's device ${index}`, 0),
    ).flat();
    const lines = textDiagram(many, 60);
    expect(lines[1]).toContain("bob's device 0: Sync cli_seq 0");
    expect(Math.max(...lines.map(columns))).toBeLessThanOrEqual(60);
  });
});

const DRAWN = [
  "alice  bob's phone                                    server",
  ' │─ Send to bob, id id-1, 2 B "hi" ─────────────────────▶│',
  " │✗╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ no response: connection closed ╌│",
  " │      │─ Sync cli_seq 0, epoch epoch-1 ───────────────▶│",
  " │      │ no messages; acked_seq 5, next_cli_seq 5,      │",
  " │      │◀──────────────────── svr_seq 5, epoch epoch-1 ─│",
];

const SHOWN = `
  ack  1 fail  1 pass

✗ ACK-NOT-ON-ANSWER (MUST, 1 case): a Sync acked messages that were
  only delivered
  expected       acked_seq 0
  actual         acked_seq 5
                           ^

  alice  bob's phone                                              server
   │─ Send to bob, id id-1, 2 B "hi" ───────────────────────────────▶│
   │✗╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ no response: connection closed ╌│
   │      │─ Sync cli_seq 0, epoch epoch-1 ─────────────────────────▶│
   │      │ ✗ no messages; acked_seq 5, next_cli_seq 5, svr_seq      │
   │      │◀────────────────────────────────────── 5, epoch epoch-1 ─│

  case           ack/a: the title of ack/a
  spec           Delivering a message in a response MUST NOT acknowledge
                 it.
                 docs/spec/ack.md#ack-not-on-answer
  reproduce      npx seqsync check http://127.0.0.1:8080 --only ack/a --seed 7

  ✗ CORE  requirements: 1 fail, 1 pass, 97 not checked
  – JSON  requirements: 4 not checked
  not checked: HTTP-PATH, HTTP-NOT-FOUND, HTTP-METHOD, HTTP-BINARY,
    HTTP-ANSWER-TYPE, HTTP-TYPE-PARAMETERS and 95 more (not selected for
    this run)

The server violates at least one MUST.
1 passed, 1 failed in 4.2 s, seed 7

  html report     out/report.html
  next step       npx seqsync check http://127.0.0.1:8080 --only ack/a --seed 7
`;
