import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJsonString } from "@bufbuild/protobuf";
import { Parser, type Result } from "tap-parser";
import { describe, expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import { Outcome, type Report, ReportSchema } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import {
  bytes,
  caseWith,
  failedCase,
  hostileReport,
  reportOf,
  sendWithoutResponse,
  syncWithResponse,
} from "../../selftest/support/sample-report.js";
import { DEFAULT_SPEC } from "../model/requirement.js";
import { renderers } from "./renderers.js";

const history = [...sendWithoutResponse(1n, bytes("hi")), ...syncWithResponse(2n, "bob's phone", 0)];
const typical = reportOf([
  failedCase("ack/a", ["ACK-NOT-ON-ANSWER"], history),
  caseWith("ack/b", Outcome.PASS),
  caseWith("ack/inconclusive", Outcome.INCONCLUSIVE, "no accounts"),
]);
const known = reportOf([{ ...failedCase("ack/a", ["ACK-NOT-ON-ANSWER"], history), knownFailure: "ticket #12" }]);
const empty = reportOf([], { headline: "http://127.0.0.1:1 cannot be reached", profiles: [] });
const reports: [string, Report][] = [
  ["typical", typical],
  ["known", known],
  ["empty", empty],
  ["hostile", hostileReport()],
];

describe("JUnit XML", () => {
  const schema = readFileSync(join(import.meta.dirname, "../../selftest/support/junit.xsd"), "utf8");
  const problems = async (contents: string) => {
    const { errors } = await validateXML({
      xml: [{ fileName: "report.xml", contents }],
      schema: [{ fileName: "junit.xsd", contents: schema }],
    });
    return errors.map(({ message }) => message);
  };

  test.each(reports)("of the %s report is valid", async (_, report) => {
    expect(await problems(renderers.junit(report))).toEqual([]);
  });

  test("that is invalid does not match the schema", async () => {
    const broken = renderers.junit(typical).replace('name="ack" tests="3"', 'name="ack"');
    expect(await problems(broken)).not.toEqual([]);
    expect(await problems(renderers.junit(typical).replace("acked_seq 0", "\u0007"))).not.toEqual([]);
  });

  test("has failures with the requirement and the calls, and skipped cases with the reason", () => {
    const text = renderers.junit(typical);
    expect(text).toContain('<testsuite name="ack" tests="3" failures="1" errors="0" time="1.256" skipped="1"');
    expect(text).toContain('<failure message="ACK-NOT-ON-ANSWER: a Sync acked messages that were only delivered"');
    expect(text).toMatch(
      /✗╌+ no response: connection closed[\s\S]*Delivering a message in a response MUST NOT acknowledge it\./,
    );
    expect(text).toContain('<skipped message="no accounts"/>');
  });
});

describe("TAP", () => {
  const read = (report: Report) => {
    const points: Result[] = [];
    const strict = new Parser({ strict: true });
    strict.on("assert", (point: Result) => points.push(point));
    strict.end(renderers.tap(report));
    return { points, results: strict.results };
  };

  test("has a test point for each case, with the first finding as its diagnostic", () => {
    const { points, results } = read(typical);
    expect(results).toMatchObject({ ok: false, count: 3, fail: 1, skip: 1, plan: { start: 1, end: 3 } });
    expect(points[0]).toMatchObject({
      name: "ack/a",
      diag: {
        requirement: "ACK-NOT-ON-ANSWER",
        expected: "acked_seq 0",
        actual: "acked_seq 5",
        reproduce: "npx seqsync check http://127.0.0.1:8080 --only ack/a --seed 7",
      },
    });
    expect(points[2]?.skip).toBe("no accounts");
  });

  test("cannot be forged by a server", () => {
    const { points, results } = read(hostileReport());
    expect(results).toMatchObject({ count: 7, fail: 4, todo: 1, plan: { end: 7 } });
    expect(results?.failures.filter(({ tapError }) => tapError)).toEqual([]);
    expect(points.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("Markdown", () => {
  test("has cards with the difference and a Mermaid diagram", () => {
    const text = renderers.markdown(typical);
    expect(text).toContain(`### ❌ [ACK-NOT-ON-ANSWER](${DEFAULT_SPEC}ack.md#ack-not-on-answer) (MUST, 1 case)`);
    expect(text).toContain("```diff\n+ expected  acked_seq 0\n- actual    acked_seq 5\n```");
    expect(text).toContain(
      [
        "```mermaid",
        "sequenceDiagram",
        "  participant c0 as alice",
        "  participant c1 as bob's phone",
        "  participant server",
        "  c0->>server: Send to bob, id id-1, 2 B #34;hi#34;",
        "  server--xc0: no response: connection closed",
        "  c1->>server: Sync cli_seq 0, epoch epoch-1",
        "  server-->>c1: ✗ no messages#59; acked_seq 5, next_cli_seq 5, svr_seq 5, epoch epoch-1",
        "```",
      ].join("\n"),
    );
    expect(text).toContain("- 1 inconclusive: no accounts: <code>ack/inconclusive</code>");
  });

  test("links to the given base URL of the specification", () => {
    expect(renderers.markdown(typical, { spec: "https://example.org/spec/" })).toContain(
      "(https://example.org/spec/ack.md#ack-not-on-answer)",
    );
  });

  test("escapes markup of a server", () => {
    const outside = renderers.markdown(hostileReport()).replaceAll(/^(`{3,})\w*\n[\s\S]*?\n\1$/gm, "");
    expect(outside).not.toMatch(/<(script|img)/);
    expect(outside).not.toMatch(/^# heading/m);
  });

  test("stays below the size limit of a GitHub step summary", () => {
    const ids = Array.from({ length: 300 }, (_, index) =>
      failedCase(`ack/${index}`, [`MADE-UP-${index}`], history, { actual: "x".repeat(9000) }),
    );
    const text = renderers.markdown(reportOf(ids));
    expect(Buffer.byteLength(text)).toBeLessThan(1 << 20);
    expect(text).toMatch(/\d+ more violations did not fit into this report\./);
  });
});

describe("HTML", () => {
  test.each(reports)("of the %s report needs no network access, and its policy forbids it", (_, report) => {
    const text = renderers.html(report);
    expect(text).not.toMatch(/<(link|img|iframe|script [^>]*src|object|embed)\b/i);
    expect(text).not.toMatch(/url\(|@import|\son\w+=["']/i);
    const hashes = ["style", "script"].map((name) => {
      const inside = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1] ?? "";
      return `${name}-src 'sha256-${createHash("sha256").update(inside).digest("base64")}'`;
    });
    expect(text).toContain(`content="default-src 'none'; ${hashes.join("; ")};`);
  });

  test("escapes markup of a server", () => {
    const text = renderers.html(hostileReport());
    expect(text.match(/<\/script>/g)).toHaveLength(1);
    expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(text).not.toMatch(/(?![\n\t])[\p{Cc}\u202e]/u);
  });

  test("has each case once, the card, and the diagram also as a list", () => {
    const text = renderers.html(typical);
    expect(
      [...text.matchAll(/<li id="case-[^"]*" data-outcome="([^"]*)" data-chapter="ack">/g)].map(([, it]) => it),
    ).toEqual(["fail", "pass", "inconclusive"]);
    expect(text).toContain(`<a href="${DEFAULT_SPEC}ack.md#ack-not-on-answer">`);
    expect(text).toContain("acked_seq <mark>5</mark>");
    expect(text).toMatch(
      /<svg [^>]*role="img" aria-label="Sequence diagram of the violation of ACK-NOT-ON-ANSWER[^"]*"/,
    );
    expect(text).toContain("<li>alice: no response: connection closed</li>");
  });

  test("has unique element ids", () => {
    const ids = [...renderers.html(typical).matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(5);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test("a known failure does not fail a build, and is still shown", () => {
  expect(renderers.junit(known)).toContain('<testsuite name="ack" tests="1" failures="0"');
  expect(renderers.junit(known)).toContain('<skipped message="known failure: ticket #12"/>');
  expect(renderers.tap(known)).toContain("\nnot ok 1 - ack/a # TODO ticket \\#12\n");
  expect(renderers.markdown(known)).toContain("Known failure: ticket &#35;<wbr>12");
  expect(renderers.html(known)).toContain("Known failure: ticket #12");
});

test("JSON is the report itself", () => {
  expect(fromJsonString(ReportSchema, renderers.json(typical))).toEqual(typical);
});
