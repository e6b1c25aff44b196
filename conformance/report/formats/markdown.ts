import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type Card, cardsOf } from "../model/card.js";
import { exchangeLines } from "../model/exchange.js";
import { OUTCOMES } from "../model/outcomes.js";
import { byChapter, byProfile, counted, countsLine, headlineOf, withoutVerdict } from "../model/summary.js";
import { mermaid } from "./mermaid.js";
import type { RenderOptions } from "./options.js";
import { singleLine } from "./text.js";

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
    `## ${ICONS[report.verdict] ?? ""} ${text(headlineOf(report))}`,
    "",
    `${text(report.implementation || "Unnamed server")} at ${report.targets.map(code).join(", ")}: ${text(countsLine(report))}.`,
    "",
    ...profileTable(report),
  ];
  const tail = [...unresolved(report), "", ...chapterTable(report), ""];
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

function profileTable(report: Report): string[] {
  const rows = byProfile(report).map(({ profile, declared, outcome, requirements }) => {
    return `| ${text(profile)} | ${ICONS[outcome] ?? "–"} ${declared ? OUTCOMES[outcome].word : "not declared"} | ${declared ? requirements : ""} |`;
  });
  return rows.length === 0 ? [] : ["| Profile | | Requirements |", "| --- | --- | --- |", ...rows];
}

function chapterTable(report: Report): string[] {
  const outcomes = [Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.INCONCLUSIVE, Outcome.ERROR] as const;
  const rows = byChapter(report.cases).map(([chapter, own]) => {
    const counts = outcomes.map((outcome) => own.filter((it) => it.outcome === outcome).length);
    return `| ${text(chapter)} | ${counts.map((count) => (count === 0 ? "" : count)).join(" | ")} |`;
  });
  if (rows.length === 0) return [];
  return details("Cases by chapter", [
    `| Chapter | ${outcomes.map((outcome) => OUTCOMES[outcome].word).join(" | ")} |`,
    `| --- |${" ---: |".repeat(outcomes.length)}`,
    ...rows,
  ]);
}

function cardSection(card: Card, diagram: boolean): string[] {
  const { requirement, level, outcome, sentence, link, message, caseId, otherCases, steps, omittedSteps } = card;
  const lines = [
    "",
    `### ${ICONS[outcome]} [${requirement}](${link}) (${level}, ${counted(otherCases.length + 1, "case")})`,
    "",
    `> ${sentence}`,
    "",
    ...(card.knownFailure === "" ? [] : [`Known failure: ${text(card.knownFailure)}`, ""]),
    `**${text(message)}** (${code(caseId)}: ${text(card.title)})`,
    "",
    ...fenced("diff", [...prefixed("+ expected  ", card.expected), ...prefixed("- actual    ", card.actual)]),
  ];
  if (diagram && steps.length > 0) {
    if (omittedSteps > 0) lines.push("", `… ${omittedSteps} earlier steps`);
    lines.push("", ...fenced("mermaid", mermaid(steps)));
  }
  const commands = card.curl.flatMap(({ caller, command }) => [`# SEQSYNC_TOKEN is the token of ${caller}`, command]);
  const shell = [card.reproduce, ...commands].filter((line) => line !== "").map(singleLine);
  if (shell.length > 0) lines.push("", ...details("Reproduce", fenced("sh", shell)));
  const exchanges = card.exchanges
    .slice(-MAX_EXCHANGES)
    .flatMap((it) => ["", ...fenced("http", exchangeLines(it).map(singleLine))]);
  if (exchanges.length > 0) lines.push("", ...details("Last HTTP exchanges", exchanges));
  if (otherCases.length > 0)
    lines.push(
      "",
      ...details(`Also in ${counted(otherCases.length, "other case")}`, [otherCases.map(code).join(", ")]),
    );
  return lines;
}

const prefixed = (label: string, parts: Card["expected"]) => [
  label + singleLine(parts.map((part) => part.text).join("")),
];

function unresolved({ cases, headline }: Report): string[] {
  if (headline !== "") return [];
  const rows = withoutVerdict(cases).map(({ outcome, reason, cases: own }) => {
    const ids = own.slice(0, 6).map(({ id }) => code(id));
    const more = own.length > 6 ? ` and ${own.length - 6} more` : "";
    return `- ${own.length} ${OUTCOMES[outcome].word}: ${text(reason)}: ${ids.join(", ")}${more}`;
  });
  return rows.length === 0 ? [] : ["", "### Cases without a verdict", "", ...rows];
}

const details = (summary: string, lines: readonly string[]) => [
  `<details><summary>${summary}</summary>`,
  "",
  ...lines,
  "",
  "</details>",
];

/** Fences lines as code; the fence is longer than any in the lines. */
function fenced(language: string, lines: readonly string[]): string[] {
  const longest = Math.max(...[...lines.join("\n").matchAll(/`+/g)].map(([run]) => run.length), 2);
  const fence = "`".repeat(longest + 1);
  return [fence + language, ...lines, fence];
}

/** Escapes text for Markdown. */
const text = (raw: string) => singleLine(raw).replaceAll(/[\\`*_[\]<>|#~@&]/g, (char) => `&#${char.charCodeAt(0)};`);

const code = (raw: string) => `<code>${text(raw)}</code>`;
