import { Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type Card, cardsOf } from "../model/card.js";
import { exchangeLines } from "../model/exchange.js";
import { OUTCOMES } from "../model/outcomes.js";
import { byChapter, byProfile, countsLine, headlineOf, openByReason } from "../model/summary.js";
import { mermaid } from "./mermaid.js";
import type { RenderOptions } from "./options.js";
import { plain } from "./text.js";

/** A GitHub step summary may have 1 MiB, and is dropped whole beyond it. */
const MAX_BYTES = 900 << 10;
/** GitHub draws no more than some diagrams of a page. The first failures are those that matter. */
const MAX_DIAGRAMS = 12;

/** More of them are in the other reports. */
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
    `${text(report.implementation || "A server that does not tell its name")} at ${report.targets.map(code).join(", ")}: ${text(countsLine(report))}.`,
    "",
    ...profileTable(report),
  ];
  const tail = [...unfinished(report), "", ...chapterTable(report), ""];
  const sections: string[] = [];
  let room = MAX_BYTES - bytes(head) - bytes(tail);
  for (const [index, card] of cards.entries()) {
    const section = cardSection(card, index < MAX_DIAGRAMS);
    room -= bytes(section);
    if (room < 0) {
      sections.push("", `And ${cards.length - index} more, for which there is no room here.`);
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
  const { requirement, level, sentence, link, message, caseId, others, steps, before } = card;
  const lines = [
    "",
    `### ${level === "MUST" ? "❌" : "⚠️"} [${requirement}](${link}) (${level}, in ${others.length === 0 ? "one case" : `${others.length + 1} cases`})`,
    "",
    `> ${sentence}`,
    "",
    ...(card.known === "" ? [] : [`Known: ${text(card.known)}`, ""]),
    `**${text(message)}** (${code(caseId)}: ${text(card.title)})`,
    "",
    ...fenced("diff", [...prefixed("+ expected  ", card.expected), ...prefixed("- actual    ", card.actual)]),
  ];
  if (diagram && steps.length > 0) {
    if (before > 0) lines.push("", `${before} earlier steps are left out.`);
    lines.push("", ...fenced("mermaid", mermaid(steps)));
  }
  const again = [card.reproduce, ...card.curl.map(({ caller, command }) => `# SEQSYNC_TOKEN: ${caller}\n${command}`)];
  const commands = again.filter((line) => line !== "").flatMap((line) => line.split("\n").map(plain));
  if (commands.length > 0) lines.push("", ...details("Run it again", fenced("sh", commands)));
  const wire = card.exchanges
    .slice(-MAX_EXCHANGES)
    .flatMap((it) => ["", ...fenced("http", exchangeLines(it).map(plain))]);
  if (wire.length > 0) lines.push("", ...details("On the wire", wire));
  if (others.length > 0)
    lines.push("", ...details(`${others.length} other cases blame it too`, [others.map(code).join(", ")]));
  return lines;
}

const prefixed = (label: string, parts: Card["expected"]) => [label + plain(parts.map((part) => part.text).join(""))];

function unfinished({ cases, headline }: Report): string[] {
  if (headline !== "") return [];
  const rows = openByReason(cases).map(
    ([reason, own]) =>
      `- ${text(reason)}: ${own
        .slice(0, 6)
        .map(({ id }) => code(id))
        .join(", ")}${own.length > 6 ? ` and ${own.length - 6} more` : ""}`,
  );
  return rows.length === 0 ? [] : ["", "### Could not be told", "", ...rows];
}

const details = (summary: string, lines: readonly string[]) => [
  `<details><summary>${summary}</summary>`,
  "",
  ...lines,
  "",
  "</details>",
];

/** A fence that is longer than any in the text. */
function fenced(language: string, lines: readonly string[]): string[] {
  const longest = Math.max(...[...lines.join("\n").matchAll(/`+/g)].map(([run]) => run.length), 2);
  const fence = "`".repeat(longest + 1);
  return [fence + language, ...lines, fence];
}

/** A text that is not to be read as markup. */
const text = (raw: string) => plain(raw).replaceAll(/[\\`*_[\]<>|#~@&]/g, (char) => `&#${char.charCodeAt(0)};`);

const code = (raw: string) => `<code>${text(raw)}</code>`;
