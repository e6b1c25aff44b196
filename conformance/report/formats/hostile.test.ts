import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJsonString, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import markdownIt from "markdown-it";
import { type DefaultTreeAdapterTypes, type ParserError, parse, parseFragment } from "parse5";
import { Parser, type Result } from "tap-parser";
import { describe, expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import { type Report, ReportSchema } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable, printableLines } from "../../printable.js";
import { reportFilledWith } from "../../selftest/support/hostile-report.js";
import { actingLines, HOSTILE_TEXTS, hostileText } from "../../selftest/support/hostile-text.js";
import { failureText } from "./finding.js";
import { renderers } from "./renderers.js";
import { stylerFor, unstyled } from "./style.js";
import { renderReport } from "./terminal.js";

/** A report with hostile text in every field, and one of the same shape with harmless words. */
interface Pair {
  hostile: Report;
  benign: Report;
}

/**
 * Each text occurs once: its number keeps the groups of a report apart, alternately before and after the text, and always
 * before the name of a chapter.
 */
const pairs = (texts: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Pair> =>
  fc.tuple(texts, fc.boolean()).map(([list, hasHeadline]) => {
    const filled = (textOf: (text: string) => string) => {
      let count = 0;
      const report = reportFilledWith((field) => {
        count += 1;
        const text = textOf(list[count % list.length] as string);
        return count % 2 === 0 && field !== "CaseResult.id" ? text + count : `${count}${text}`;
      });
      if (!hasHeadline) report.headline = "";
      return report;
    };
    return { hostile: filled((text) => text), benign: filled(() => "x") };
  });

/** Draws reports for a property; the first ones hold the whole corpus. */
async function forHostileReports(runs: number, property: (pair: Pair) => void | Promise<void>): Promise<void> {
  const examples = fc.sample(pairs(fc.constant(HOSTILE_TEXTS)), { numRuns: 2, seed: 1 });
  for (const pair of examples) await property(pair);
  const lists = fc.array(hostileText(), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(pairs(lists), async (pair) => property(pair)),
    { numRuns: runs },
  );
}

const SPEC = "docs/spec/";

const expectHarmless = (output: string) => expect(actingLines(output)).toEqual([]);

describe("JSON", () => {
  test("is harmless as text, and the report itself", async () => {
    await forHostileReports(3, ({ hostile }) => {
      const text = renderers.json(hostile);
      expectHarmless(text);
      const readable = fromJsonString(ReportSchema, text);
      expect(renderers.json(readable)).toBe(text);
      // A report with a surrogate without a partner is readable, but not the same: JSON.stringify escapes only those.
      if (!/\\ud[89a-f]/.test(JSON.stringify(toJson(ReportSchema, hostile)))) expect(readable).toEqual(hostile);
    });
  });
});

describe("a terminal", () => {
  const style = stylerFor({ isTTY: true });
  // The styles of the suite, which are the only control characters.
  const styles = new RegExp(`${String.fromCharCode(0x1b)}\\[(?:0|1|2|7|31|32|33|36)m`, "g");
  const withoutStyles = (text: string) => text.replaceAll(styles, "");

  test("gets printable lines only", async () => {
    await forHostileReports(3, ({ hostile }) => {
      for (const detail of ["quiet", "normal", "verbose"] as const) {
        for (const width of [40, 100]) {
          expectHarmless(renderReport(hostile, unstyled, { detail, width }));
          expectHarmless(withoutStyles(renderReport(hostile, style, { detail, width })));
        }
      }
    });
  });

  test("and the error of a test get no style of a server", async () => {
    await forHostileReports(3, ({ hostile }) => {
      for (const result of hostile.cases) expectHarmless(failureText(result));
      expect(renderReport(hostile, unstyled, { detail: "verbose" })).not.toContain("\u001b");
    });
  });
});

describe("TAP", () => {
  test("has the test points of the report, no others, and whole diagnostics", async () => {
    await forHostileReports(3, ({ hostile }) => {
      const text = renderers.tap(hostile);
      expectHarmless(text);
      const points: Result[] = [];
      const extras: string[] = [];
      const parser = new Parser({ strict: true });
      parser.on("assert", (point: Result) => points.push(point));
      parser.on("extra", (line: string) => extras.push(line));
      parser.on("child", () => extras.push("a subtest"));
      parser.on("bailout", (why: string) => extras.push(why));
      parser.end(text);
      expect(extras).toEqual([]);
      expect(parser.results?.failures.filter(({ tapError }) => tapError)).toEqual([]);
      expect(points.map(({ id }) => id)).toEqual(hostile.cases.map((_, index) => index + 1));
      for (const [index, { diag }] of points.entries()) {
        const finding = hostile.cases[index]?.findings[0];
        if (diag?.requirement !== undefined) expect(diag.message).toBe(printable(finding?.message ?? ""));
      }
    });
  });
});

describe("JUnit XML", () => {
  const schema = readFileSync(join(import.meta.dirname, "../../selftest/support/junit.xsd"), "utf8");

  test("is well-formed and valid, with the test cases of the report", async () => {
    await forHostileReports(1, async ({ hostile }) => {
      const contents = renderers.junit(hostile);
      expectHarmless(contents);
      const { errors } = await validateXML({
        xml: [{ fileName: "report.xml", contents }],
        schema: [{ fileName: "junit.xsd", contents: schema }],
      });
      expect(errors.map(({ message }) => message)).toEqual([]);
      expect(contents.match(/<testcase /g)).toHaveLength(hostile.cases.length);
    });
  });
});

/** Returns the elements of a document, as "name attribute…", and its text nodes with the names of their ancestors. */
function contentOf(root: DefaultTreeAdapterTypes.Node) {
  const elements: string[] = [];
  const links: string[] = [];
  const texts: { value: string; inside: readonly string[] }[] = [];
  const visit = (node: DefaultTreeAdapterTypes.Node, inside: readonly string[]): void => {
    if ("tagName" in node) {
      elements.push([node.tagName, ...node.attrs.map(({ name }) => name)].join(" "));
      links.push(...node.attrs.filter(({ name }) => name === "href" || name === "src").map(({ value }) => value));
    }
    if (node.nodeName === "#comment") elements.push("#comment");
    if ("value" in node) texts.push({ value: node.value, inside });
    if ("childNodes" in node)
      for (const child of node.childNodes) visit(child, "tagName" in node ? [...inside, node.tagName] : inside);
  };
  visit(root, []);
  return { elements, links, texts };
}

describe("HTML", () => {
  test("has no element, attribute or link but those of the template", async () => {
    await forHostileReports(3, ({ hostile, benign }) => {
      const errors: ParserError[] = [];
      const read = (report: Report) =>
        contentOf(parse(renderers.html(report, { spec: SPEC }), { onParseError: (error) => errors.push(error) }));
      expectHarmless(renderers.html(hostile, { spec: SPEC }));
      const [own, template] = [read(hostile), read(benign)];
      expect(errors).toEqual([]);
      // A diagram has more lines for a longer text, and a comparison more marks.
      const inDiagram = /^(svg|g|line|path|text|mark)\b/;
      const fixed = (elements: readonly string[]) => elements.filter((element) => !inDiagram.test(element));
      expect(fixed(own.elements)).toEqual(fixed(template.elements));
      const known = new Set([...template.elements, "mark"]);
      expect(own.elements.filter((element) => !known.has(element))).toEqual([]);
      expect(own.links.filter((link) => !link.startsWith("#") && !link.startsWith(SPEC))).toEqual([]);
      expect(own.texts.map(({ value }) => value).join("")).toContain(printableLines(hostile.implementation));
    });
  });
});

describe("Markdown", () => {
  const parser = markdownIt({ html: true, linkify: true });
  parser.linkify.set({ fuzzyEmail: true, fuzzyLink: true });

  test("has no block, element or link but those of the template", async () => {
    await forHostileReports(3, ({ hostile, benign }) => {
      const text = renderers.markdown(hostile, { spec: SPEC });
      expectHarmless(text);
      const blocks = (report: Report) =>
        parser
          .parse(renderers.markdown(report, { spec: SPEC }), {})
          .map(({ type, tag, level, info }) => `${type} ${tag} ${level} ${info}`);
      expect(blocks(hostile)).toEqual(blocks(benign));
      const read = (report: Report) =>
        contentOf(parseFragment(parser.render(renderers.markdown(report, { spec: SPEC }))));
      const [own, template] = [read(hostile), read(benign)];
      const fixed = (elements: readonly string[]) => elements.filter((element) => element !== "wbr");
      expect(fixed(own.elements)).toEqual(fixed(template.elements));
      expect(own.links.filter((link) => !link.startsWith(SPEC))).toEqual([]);
    });
  });

  test("has no mention, reference or address in its text, which platforms would turn into links", async () => {
    await forHostileReports(3, ({ hostile }) => {
      const { texts } = contentOf(parseFragment(parser.render(renderers.markdown(hostile, { spec: SPEC }))));
      // Platforms leave code blocks alone, but not the element `code`.
      const shown = texts.filter(({ inside }) => !inside.includes("pre")).map(({ value }) => value);
      expect(shown.filter((value) => /[@#!%&~^$][\p{L}\d]|:\/\/|:\w+:|mailto:.|www\../iu.test(value))).toEqual([]);
    });
  });

  test("has Mermaid diagrams of participants, arrows and notes only", async () => {
    // Mermaid itself is many times as large as this project. This is the part of its grammar that the suite writes.
    const text = '(?:[^#;%<>{}\\n"`\\[\\]]|#\\d+;)+';
    const line = new RegExp(
      `^(sequenceDiagram|  participant (c\\d+ as ${text}|server)|  (c\\d+->>server|server--(>>|x)c\\d+|Note over c0,server|Note over server): ${text})$`,
    );
    let lines = 0;
    await forHostileReports(3, ({ hostile }) => {
      const fences = parser
        .parse(renderers.markdown(hostile, { spec: SPEC }), {})
        .filter(({ info }) => info === "mermaid");
      const all = fences.flatMap(({ content }) => content.trimEnd().split("\n"));
      lines += all.length;
      expect(all.filter((it) => !line.test(it) || /\b(end|wrap|nowrap)\b|[ﬂ°¶ß]/i.test(it))).toEqual([]);
    });
    expect(lines).toBeGreaterThan(100);
  });
});
