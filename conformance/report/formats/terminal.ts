import type { CaseResult, Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../../printable.js";
import { type Card, cardsOf } from "../model/card.js";
import { exchangeLines } from "../model/exchange.js";
import { findingLine } from "../model/finding.js";
import { notCheckedLines } from "../model/not-checked.js";
import { OUTCOMES, PARTIAL, tally } from "../model/outcomes.js";
import { requirementOf } from "../model/requirement.js";
import { byChapter, byProfile, counted, countsLine, hasResults, headlineOf, withoutVerdict } from "../model/summary.js";
import { comparison, findingHeading, findingText } from "./finding.js";
import { row, unwrappedRow } from "./rows.js";
import { type Styler, terminalText } from "./style.js";
import { chunks, wrap } from "./text.js";

export interface TerminalOptions {
  /** Width of the terminal in columns, from 40. Default 100. */
  width?: number;
  /**
   * `quiet` shows one line for each violated requirement, and the verdict; `verbose` every case and every violation in
   * full. Default `normal`.
   */
  detail?: "quiet" | "normal" | "verbose";
  /** The report files that were written. */
  reports?: readonly { format: string; path: string }[];
  /** The command to run next. Default: the one that reproduces the first violation. */
  next?: string;
  /** Base URL of the specification's chapters. Default: those of this version in the repository. */
  spec?: string;
}

/** Number of violations that are shown in full. */
const FULL_CARDS = 3;
/** Number of further violations that are shown without the calls. The rest are mostly consequences, shown by name. */
const SHORT_CARDS = 5;
const INDENT = "  ";

/** A report for a terminal: chapters, violations with the root cause first, cases without a verdict, the verdict. */
export function renderReport(report: Report, style: Styler, options: TerminalOptions = {}): string {
  const { detail = "normal", width = 100, reports = [] } = options;
  const lines: string[] = [];
  const cards = cardsOf(report, options);
  if (hasResults(report)) {
    if (detail === "quiet") lines.push(...cards.map((card) => cardLine(card, style)));
    else {
      lines.push("", ...(detail === "verbose" ? everyCase(report, style) : chapters(report, style)));
      const full = detail === "verbose" ? cards.length : FULL_CARDS;
      for (const [index, card] of cards.slice(0, full).entries()) {
        // The other formats have the commands of every violation.
        lines.push("", ...fullCard(card, style, width, index === 0 || detail === "verbose"));
        if (detail === "verbose") lines.push(...allExchanges(card, style, width));
      }
      for (const card of cards.slice(full, full + SHORT_CARDS)) lines.push("", ...shortCard(card, style, width));
      lines.push(...names(cards.slice(full + SHORT_CARDS), style, width));
      lines.push(...unresolved(report.cases, style, width));
      lines.push("", ...profiles(report, style, width));
      lines.push(...unchecked(report, style, width, detail !== "verbose"));
    }
  }
  const { color } = OUTCOMES[report.verdict];
  // Why nothing was checked is said in one line.
  if (detail !== "quiet" && hasResults(report)) lines.push("");
  lines.push(...wrap(printable(headlineOf(report)), width).map((line) => style(color, style("bold", line))));
  if (hasResults(report)) lines.push(...wrap(countsLine(report), width).map((line) => style("dim", line)));
  if (detail !== "quiet") lines.push(...nextSteps(cards, style, reports, options.next));
  return terminalText(`${lines.join("\n")}\n`);
}

const counts = (cases: readonly CaseResult[], style: Styler) =>
  tally(cases.map(({ outcome }) => outcome))
    .map(({ outcome, count }) => style(OUTCOMES[outcome].color, `${count} ${OUTCOMES[outcome].word}`))
    .join("  ");

function chapters({ cases }: Report, style: Styler): string[] {
  const groups = byChapter(cases);
  const width = Math.max(...groups.map(([name]) => name.length), 0);
  return groups.map(([name, own]) => `${INDENT}${printable(name).padEnd(width)}  ${counts(own, style)}`);
}

function everyCase({ cases }: Report, style: Styler): string[] {
  return byChapter(cases).flatMap(([name, own]) => [
    `${INDENT}${style("bold", printable(name))}  ${counts(own, style)}`,
    ...own.map(
      ({ id, outcome }) => `${INDENT}  ${style(OUTCOMES[outcome].color, OUTCOMES[outcome].mark)} ${printable(id)}`,
    ),
  ]);
}

function profiles(report: Report, style: Styler, width: number): string[] {
  const rows = byProfile(report);
  const nameWidth = Math.max(...rows.map(({ profile }) => profile.length), 0);
  return rows.flatMap(({ profile, declared, text, requirements }) => {
    const { mark, color } = text;
    const name = `${style(color, mark)} ${printable(profile).padEnd(nameWidth)}`;
    const counts = `${text === PARTIAL ? `${PARTIAL.word}; ` : ""}requirements: ${requirements || "none"}`;
    const indent = `${INDENT}  ${" ".repeat(nameWidth)}  `;
    return wrap(declared ? counts : "not declared", width - indent.length).map(
      (line, index) => (index === 0 ? `${INDENT}${name}  ` : indent) + style("dim", line),
    );
  });
}

/** What was not checked, by reason. */
const unchecked = (report: Report, style: Styler, width: number, brief: boolean) =>
  notCheckedLines(report, { brief }).flatMap((line) =>
    wrap(printable(line), width - 4).map((it, index) => INDENT + (index === 0 ? "" : INDENT) + style("yellow", it)),
  );

const scopeOf = ({ otherCases }: Card) => counted(otherCases.length + 1, "case");

function cardLine(card: Card, style: Styler): string {
  const { mark, color } = OUTCOMES[card.outcome];
  const line = printable(findingLine(card));
  return `${style(color, `${mark} ${line}`)}  ${style("dim", printable(card.caseId))}`;
}

/** A card in full, as lines. */
export function fullCard(card: Card, style: Styler, width: number, byHand: boolean): string[] {
  const { caseId, title, otherCases, curl } = card;
  const about = row("case", `${caseId}: ${title}`, width, style);
  const lines = findingText(card, { style, width, scope: scopeOf(card), about });
  if (otherCases.length > 0) {
    const more = otherCases.length > 3 ? ` and ${otherCases.length - 3} more` : "";
    lines.push(...row("also in", otherCases.slice(0, 3).join(", ") + more, width, style));
  }
  lines.push(...knownFailure(card, style, width));
  lines.push(...unwrappedRow("reproduce", card.reproduce, style));
  if (byHand && curl.length > 0)
    lines.push(`${INDENT}${style("dim", "by hand, in a shell:")}`, ...curl.map((line) => INDENT + printable(line)));
  return lines;
}

function shortCard(card: Card, style: Styler, width: number): string[] {
  return [
    ...findingHeading(card, { style, width, scope: scopeOf(card) }),
    ...comparison(card, style, width),
    ...knownFailure(card, style, width),
    ...unwrappedRow("reproduce", card.reproduce, style),
  ];
}

const knownFailure = ({ knownFailure: reason }: Card, style: Styler, width: number) =>
  reason === "" ? [] : row("known failure", reason, width, style);

function allExchanges({ exchanges }: Card, style: Styler, width: number): string[] {
  return exchanges.flatMap((exchange, index) => [
    style("dim", `${INDENT}exchange ${index + 1} of ${exchanges.length}`),
    ...exchangeLines(exchange)
      .flatMap((line) => chunks(printable(line), width - 4))
      .map((line) => `${INDENT}  ${line}`.trimEnd()),
  ]);
}

/** The violations that are shown by name only. */
function names(cards: readonly Card[], style: Styler, width: number): string[] {
  if (cards.length === 0) return [];
  const text = `and ${cards.length} more: ${cards.map(({ requirement }) => printable(requirement)).join(", ")}`;
  const hint = "The first violation above is most likely the root cause; --verbose and --report show all of them.";
  return ["", ...wrap(text, width - 2), ...wrap(hint, width - 2)].map((line, index) =>
    index === 0 ? line : INDENT + style("dim", line),
  );
}

/** Cases without a verdict, by reason. */
function unresolved(cases: readonly CaseResult[], style: Styler, width: number): string[] {
  return withoutVerdict(cases).flatMap(({ outcome, reason, cases: own }) => {
    const { mark, word, color } = OUTCOMES[outcome];
    const hasMust = own.some((it) => it.requirements.some((id) => requirementOf(id).level === "MUST"));
    const ids = own.slice(0, 4).map(({ id }) => printable(id));
    const text = `${mark} ${own.length} ${word}${hasMust ? "" : " (no MUST)"}: ${printable(reason)}`;
    return [
      "",
      ...wrap(text, width).map((line) => style(color, line)),
      style("dim", `${INDENT}${ids.join(", ")}${own.length > 4 ? " …" : ""}`),
    ];
  });
}

/** The report files, and the command to run next. */
function nextSteps(
  cards: readonly Card[],
  style: Styler,
  reports: readonly { format: string; path: string }[],
  next = cards[0]?.reproduce ?? "",
): string[] {
  const lines = reports.map(
    ({ format, path }) => `${INDENT}${style("dim", `${format} report`.padEnd(16))}${printable(path)}`,
  );
  if (next !== "") lines.push(`${INDENT}${style("dim", "next step".padEnd(16))}${printable(next)}`);
  return lines.length === 0 ? [] : ["", ...lines];
}
