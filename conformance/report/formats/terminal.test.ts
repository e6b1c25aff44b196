import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import {
  bytes,
  ended,
  failed,
  hostileReport,
  reportOf,
  sendLost,
  syncs,
} from "../../selftest/support/sample-report.js";
import { textDiagram } from "./diagram.js";
import { type Styler, stylerFor } from "./style.js";
import { renderReport } from "./terminal.js";
import { columns } from "./text.js";

const plainly: Styler = (_, text) => text;
const history = [...sendLost(1n, bytes("hi")), ...syncs(2n, "bob's phone", 0)];

describe("a report in a terminal", () => {
  const report = reportOf([failed("ack/a", ["ACK-NOT-ON-ANSWER"], history), ended("ack/b", Outcome.PASS)]);

  test("is told like this", () => {
    const reports = [{ format: "html", path: "out/report.html" }];
    expect(renderReport(report, plainly, { width: 72, reports })).toBe(TOLD);
  });

  test("keeps to the width; what is there to be copied is not broken", () => {
    for (const width of [40, 60, 80, 120]) {
      const told = reportOf([
        failed("ack/a", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"], history, {
          message: "long ".repeat(60),
          actual: "1,".repeat(300),
        }),
        ended("ack/b", Outcome.INCONCLUSIVE, "because ".repeat(40)),
      ]);
      const lines = renderReport(told, plainly, { width, detail: "verbose" }).split("\n");
      const copied = /^ +(again|by hand|seen in|next|SEQSYNC_TOKEN) /;
      expect(lines.filter((line) => columns(line) > width && !copied.test(line))).toEqual([]);
      expect(lines.filter((line) => line.includes(" --only ack/a --seed 7"))).toHaveLength(3);
    }
  });

  test("lets nothing of a server act on the terminal", () => {
    for (const detail of ["quiet", "normal", "verbose"] as const) {
      expect(renderReport(hostileReport(), plainly, { detail })).not.toMatch(/(?!\n)[\p{Cc}\u202e\u2028]/u);
    }
  });

  test("ends with the verdict, the reports and the command to type next", () => {
    const text = renderReport(report, plainly, { reports: [{ format: "html", path: "out/report.html" }] });
    expect(text.split("\n").slice(-9)).toEqual([
      "  ✗ CORE  requirements: 1 fail, 1 pass",
      "  – JSON  not checked",
      "",
      "This server breaks requirements.",
      "1 passed, 1 failed in 4.2 s, seed 7",
      "",
      "  html report     out/report.html",
      "  next            seqsync check http://127.0.0.1:8080 --only ack/a --seed 7",
      "",
    ]);
  });

  test("tells in quiet a line for each requirement, and the verdict", () => {
    expect(renderReport(report, plainly, { detail: "quiet" })).toBe(
      [
        "✗ ACK-NOT-ON-ANSWER  what was only answered counts as acked  ack/a",
        "This server breaks requirements.",
        "1 passed, 1 failed in 4.2 s, seed 7\n",
      ].join("\n"),
    );
  });

  test("names every case in verbose", () => {
    expect(renderReport(report, plainly)).not.toContain("✓ ack/b");
    expect(renderReport(report, plainly, { detail: "verbose" })).toContain("✓ ack/b");
  });

  test("tells many failures by name only, the first ones whole", () => {
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
    const text = renderReport(reportOf(ids.map((id) => failed(`x/${id.toLowerCase()}`, [id], history))), plainly);
    expect(text.match(/^ +alice/gm)).toHaveLength(3);
    expect(text.match(/^✗/gm)).toHaveLength(8);
    expect(text).toMatch(/and 2 more: HTTP-JSON, HTTP-BINARY/);
  });

  test("names what is open with its reason", () => {
    const text = renderReport(reportOf([ended("ack/a", Outcome.INCONCLUSIVE, "no accounts")]), plainly);
    expect(text).toContain("? 1 open: no accounts\n  ack/a");
  });
});

describe("colours", () => {
  const colourful = (env: Record<string, string | undefined>, isTTY: boolean) => {
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
    expect(colourful(env, isTTY)).toBe(expected);
  });
});

describe("a sequence diagram as text", () => {
  test("has a lifeline for each client and one for the server", () => {
    expect(textDiagram(history, 60)).toEqual(DRAWN);
  });

  test("joins the clients in one lifeline where there are too many", () => {
    const many = Array.from({ length: 9 }, (_, index) => syncs(BigInt(index + 1), `bob's device ${index}`, 0)).flat();
    const lines = textDiagram(many, 60);
    expect(lines[1]).toContain("bob's device 0: Sync(0");
    expect(Math.max(...lines.map(columns))).toBeLessThanOrEqual(60);
  });
});

const DRAWN = [
  "alice  bob's phone                                    server",
  " │─ Send to bob, id id-1, 2 B ──────────────────────────▶│",
  " │✗╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ no answer: connection closed ╌│",
  " │      │─ Sync(0, epoch epoch-1) ──────────────────────▶│",
  " │      │ no message; acked 5, next 5, svr 5, epoch      │",
  " │      │◀───────────────────────────────────── epoch-1 ─│",
];

const TOLD = `
  ack  1 fail  1 pass

✗ ACK-NOT-ON-ANSWER MUST, in one case
  Delivering a message in an answer MUST NOT acknowledge it.
  docs/spec/ack.md#ack-not-on-answer

  what was only answered counts as acked
    expected  acked_seq 0
    actual    acked_seq 5
                        ^

    alice  bob's phone                                            server
     │─ Send to bob, id id-1, 2 B ──────────────────────────────────▶│
     │✗╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ no answer: connection closed ╌│
     │      │─ Sync(0, epoch epoch-1) ──────────────────────────────▶│
     │      │◀─── no message; acked 5, next 5, svr 5, epoch epoch-1 ─│

  again    seqsync check http://127.0.0.1:8080 --only ack/a --seed 7
  by hand  curl -sS -i -H "Authorization: Bearer $SEQSYNC_TOKEN" -H 'Content-Type: application/json' -d '{"epoch":"epoch-1"}' 'http://127.0.0.1:8080/seqsync.v1.SeqSyncService/Sync'
           SEQSYNC_TOKEN is that of bob's phone, account user-bob
  seen in  ack/a

  ✗ CORE  requirements: 1 fail, 1 pass
  – JSON  not checked

This server breaks requirements.
1 passed, 1 failed in 4.2 s, seed 7

  html report     out/report.html
  next            seqsync check http://127.0.0.1:8080 --only ack/a --seed 7
`;
