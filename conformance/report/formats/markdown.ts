import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type Card, cardsOf } from "../model/card.js";
import { exchangeLines } from "../model/exchange.js";
import { staleKnownFailuresLine } from "../model/known-failures.js";
import { notCheckedLines } from "../model/not-checked.js";
import { OUTCOMES, PARTIAL } from "../model/outcomes.js";
import { byChapter, byProfile, counted, countsLine, hasResults, headlineOf, withoutVerdict } from "../model/summary.js";
import { markdownBlock, markdownCode, markdownText } from "./markdown-text.js";
import { mermaid } from "./mermaid.js";
import type { RenderOptions } from "./options.js";

/** Maximum size of the report in bytes: GitHub drops a step summary of more than 1 MiB. */
const MAX_BYTES = 900 << 10;
/** Maximum number of diagrams: GitHub renders only a limited number of them in a page. */
const MAX_DIAGRAMS = 12;
/** Maximum number of HTTP exchanges of a violation. The HTML report has all that were recorded. */
const MAX_EXCHANGES = 2;

const ICONS: Partial<Record<Outcome, string>> = {
  [Outcome.PASS]: "✅",
  [Outcome.FAIL]: "❌",
  [Outcome.WARN]: "⚠️",
  [Outcome.INCONCLUSIVE]: "❔",
  [Outcome.ERROR]: "💥",
};

/** A report as GitHub Flavored Markdown, with Mermaid diagrams: for step summaries, merge requests and issues. */
export function markdownReport(report: Report, options: RenderOptions = {}): string {
  const cards = cardsOf(report, options);
  const head = [
    `## ${ICONS[report.verdict] ?? ""} ${markdownText(headlineOf(report))}`,
    "",
    `${markdownText(report.implementation || "Unnamed server")} at ${report.targets.map(markdownCode).join(", ")}: ${markdownText(countsLine(report))}.`,
    "",
    ...stale(report),
    ...profileTable(report),
  ];
  const tail = [...unresolved(report), ...unchecked(report), "", ...chapterTable(report), ""];
  const sections: string[] = [];
  let room = MAX_BYTES - bytes(head) - bytes(tail);
  for (const [index, card] of cards.entries()) {
    const section = cardSection(card, index < MAX_DIAGRAMS);
    room -= bytes(section);
    if (room < 0) {
      sections.push("", `${counted(cards.length - index, "more violation")} did not fit into this report.`);
      break;
    }
    sections.push(...section);
  }
  return `${[...head, ...sections, ...tail]
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trimEnd()}\n`;
}

const bytes = (lines: readonly string[]) => lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

function stale(report: Report): string[] {
  const line = staleKnownFailuresLine(report);
  return line === "" ? [] : [`❌ ${markdownText(line)}`, ""];
}

function profileTable(report: Report): string[] {
  const rows = byProfile(report).map(({ profile, declared, outcome, text: verdict, requirements }) => {
    const icon = verdict === PARTIAL ? PARTIAL.mark : (ICONS[outcome] ?? "–");
    return `| ${markdownText(profile)} | ${icon} ${declared ? verdict.word : "not declared"} | ${declared ? requirements : ""} |`;
  });
  return rows.length === 0 ? [] : ["| Profile | | Requirements |", "| --- | --- | --- |", ...rows];
}

function chapterTable(report: Report): string[] {
  const outcomes = [Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.INCONCLUSIVE, Outcome.ERROR] as const;
  const rows = byChapter(report.cases).map(([chapter, own]) => {
    const counts = outcomes.map((outcome) => own.filter((it) => it.outcome === outcome).length);
    return `| ${markdownText(chapter)} | ${counts.map((count) => (count === 0 ? "" : count)).join(" | ")} |`;
  });
  if (rows.length === 0) return [];
  return details("Cases by chapter", [
    `| Chapter | ${outcomes.map((outcome) => OUTCOMES[outcome].word).join(" | ")} |`,
    `| --- |${" ---: |".repeat(outcomes.length)}`,
    ...rows,
  ]);
}

function cardSection(card: Card, diagram: boolean): string[] {
  const { requirement, level, outcome, sentence, link, message, caseId, otherCases, steps } = card;
  const lines = [
    "",
    `### ${ICONS[outcome]} [${markdownText(requirement)}](${link}) (${level}, ${counted(otherCases.length + 1, "case")})`,
    "",
    ...(card.knownFailure === "" ? [] : [`Known failure: ${markdownText(card.knownFailure)}`, ""]),
    `<strong>${markdownText(message)}</strong>`,
    "",
    ...markdownBlock("diff", [...prefixed("+ expected  ", card.expected), ...prefixed("- actual    ", card.actual)]),
  ];
  if (diagram && steps.length > 0) {
    lines.push("", ...markdownBlock("mermaid", mermaid(steps)));
  }
  lines.push("", `${markdownCode(caseId)}: ${markdownText(card.title)}`, "", `> ${sentence}`);
  if (card.reproduce !== "") lines.push("", "Run the case again:", "", ...markdownBlock("sh", [card.reproduce]));
  if (card.curl.length > 0) lines.push("", ...details("The calls by hand, with curl", markdownBlock("sh", card.curl)));
  const exchanges = card.exchanges
    .slice(-MAX_EXCHANGES)
    .flatMap((it) => ["", ...markdownBlock("http", exchangeLines(it))]);
  if (exchanges.length > 0) lines.push("", ...details("Last HTTP exchanges", exchanges));
  if (otherCases.length > 0)
    lines.push(
      "",
      ...details(`Also in ${counted(otherCases.length, "other case")}`, [otherCases.map(markdownCode).join(", ")]),
    );
  return lines;
}

const prefixed = (label: string, parts: Card["expected"]) => [label + parts.map((part) => part.text).join("")];

function unresolved(report: Report): string[] {
  if (!hasResults(report)) return [];
  const rows = withoutVerdict(report.cases).map(({ outcome, reason, cases: own }) => {
    const ids = own.slice(0, 6).map(({ id }) => markdownCode(id));
    const more = own.length > 6 ? ` and ${own.length - 6} more` : "";
    return `- ${own.length} ${OUTCOMES[outcome].word}: ${markdownText(reason)}: ${ids.join(", ")}${more}`;
  });
  return rows.length === 0 ? [] : ["", "### Cases without a verdict", "", ...rows];
}

function unchecked(report: Report): string[] {
  if (!hasResults(report) || report.notChecked.length === 0) return [];
  return ["", "### Not checked", "", ...notCheckedLines(report).map((line) => `- ${markdownText(line)}`)];
}

const details = (summary: string, lines: readonly string[]) => [
  `<details><summary>${summary}</summary>`,
  "",
  ...lines,
  "",
  "</details>",
];
