import { type CaseResult, Outcome, type Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type Card, cardsOf } from "../model/card.js";
import type { Part } from "../model/difference.js";
import { exchangeLine, exchangeLines } from "../model/exchange.js";
import { OUTCOMES, tally } from "../model/outcomes.js";
import { requirementOf } from "../model/requirement.js";
import { byChapter, byProfile, countsLine, headlineOf, openByReason } from "../model/summary.js";
import { drawArrows } from "./diagram.js";
import type { Style, Styler } from "./style.js";
import { columns, inPieces, plain, wrap } from "./text.js";

export interface TerminalOptions {
  /** Columns of the terminal, from 40. Default 100. */
  width?: number;
  /** `quiet` tells the verdict and what is broken in a line each; `verbose` all of every failure and each case. Default `normal`. */
  detail?: "quiet" | "normal" | "verbose";
  /** The reports that were written. */
  reports?: readonly { format: string; path: string }[];
  /** The command to type next; default: the one that runs the clearest failure again. */
  next?: string;
  /** Base URL of the specification's chapters. Default "docs/spec/". */
  spec?: string;
}

/** So many failures are told whole and so many in short; of the others, which mostly follow from them, the names must do. */
const WHOLE_CARDS = 3;
const SHORT_CARDS = 5;
const INDENT = "  ";

/** A report for people: chapters, what is broken by requirement with its root cause first, what is open and why, the verdict. */
export function renderReport(report: Report, paint: Styler, options: TerminalOptions = {}): string {
  const { detail = "normal", width = 100, reports = [] } = options;
  const lines: string[] = [];
  const cards = cardsOf(report, options);
  if (report.headline === "") {
    if (detail === "quiet") lines.push(...cards.map((card) => oneLine(card, paint)));
    else {
      lines.push("", ...(detail === "verbose" ? everyCase(report, paint) : chapters(report, paint)));
      const whole = detail === "verbose" ? cards.length : WHOLE_CARDS;
      for (const card of cards.slice(0, whole)) {
        lines.push("", ...wholeCard(card, paint, width));
        if (detail === "verbose") lines.push(...wire(card, paint, width));
      }
      for (const card of cards.slice(whole, whole + SHORT_CARDS)) lines.push("", ...shortCard(card, paint, width));
      lines.push(...names(cards.slice(whole + SHORT_CARDS), paint, width));
      lines.push(...unfinished(report.cases, paint, width));
      lines.push("", ...profiles(report, paint));
    }
  }
  const { style } = OUTCOMES[report.verdict];
  if (detail !== "quiet") lines.push("");
  lines.push(...wrap(plain(headlineOf(report)), width).map((line) => paint(style, paint("bold", line))));
  lines.push(...wrap(countsLine(report), width).map((line) => paint("dim", line)));
  if (detail !== "quiet") lines.push(...nextSteps(cards, paint, reports, options.next));
  return `${lines.join("\n")}\n`;
}

const counts = (cases: readonly CaseResult[], paint: Styler) =>
  tally(cases.map(({ outcome }) => outcome))
    .map(({ outcome, count }) => paint(OUTCOMES[outcome].style, `${count} ${OUTCOMES[outcome].word}`))
    .join("  ");

function chapters({ cases }: Report, paint: Styler): string[] {
  const groups = byChapter(cases);
  const width = Math.max(...groups.map(([name]) => name.length), 0);
  return groups.map(([name, own]) => `${INDENT}${plain(name).padEnd(width)}  ${counts(own, paint)}`);
}

function everyCase({ cases }: Report, paint: Styler): string[] {
  return byChapter(cases).flatMap(([name, own]) => [
    `${INDENT}${paint("bold", plain(name))}  ${counts(own, paint)}`,
    ...own.map(
      ({ id, outcome }) => `${INDENT}  ${paint(OUTCOMES[outcome].style, OUTCOMES[outcome].mark)} ${plain(id)}`,
    ),
  ]);
}

function profiles(report: Report, paint: Styler): string[] {
  const rows = byProfile(report);
  const width = Math.max(...rows.map(({ profile }) => profile.length), 0);
  return rows.map(({ profile, declared, outcome, requirements }) => {
    const { mark, style } = OUTCOMES[outcome];
    const name = `${paint(style, mark)} ${plain(profile).padEnd(width)}`;
    return `${INDENT}${name}  ${paint("dim", !declared ? "not declared" : requirements === "" ? "not checked" : `requirements: ${requirements}`)}`;
  });
}

const styleOf = ({ level }: Pick<Card, "level">): Style => (level === "MUST" ? "red" : "yellow");

function oneLine(card: Card, paint: Styler): string {
  return `${paint(styleOf(card), `✗ ${plain(card.requirement)}`)}  ${plain(card.message)}  ${paint("dim", plain(card.caseId))}`;
}

function heading(card: Card, paint: Styler): string {
  const { requirement, level, others, known } = card;
  const cases = others.length === 0 ? "in one case" : `in ${others.length + 1} cases`;
  const where = known === "" ? cases : `${cases}, known: ${plain(known)}`;
  return `${paint(styleOf(card), paint("bold", `✗ ${plain(requirement)}`))} ${paint("dim", `${level}, ${where}`)}`;
}

function wholeCard(card: Card, paint: Styler, width: number): string[] {
  const indented = (text: string) => wrap(plain(text), width - 2).map((line) => INDENT + line);
  const lines = [heading(card, paint), ...indented(card.sentence), `${INDENT}${paint("cyan", card.link)}`, ""];
  lines.push(...indented(card.message), ...comparison(card, paint, width));
  if (card.steps.length > 0) {
    lines.push("");
    if (card.before > 0) lines.push(paint("dim", `${INDENT}… ${card.before} earlier steps`));
    lines.push(...drawArrows(card.steps, width - 4).map((line) => `${INDENT}  ${plain(line)}`));
  }
  const last = card.exchanges.at(-1);
  if (last !== undefined) {
    const [first = "", ...rest] = wrap(plain(exchangeLine(last)), width - 11);
    lines.push("", `${INDENT}${paint("dim", "wire")}     ${first}`, ...rest.map((line) => `           ${line}`));
  }
  lines.push("", ...command("again", card.reproduce, paint));
  // One call is enough to begin with; the other reports have all of them.
  for (const { caller, command: line } of card.curl.slice(-1)) {
    lines.push(
      ...command("by hand", line, paint),
      paint("dim", `${INDENT}         SEQSYNC_TOKEN is that of ${plain(caller)}`),
    );
  }
  lines.push(...alsoIn(card, paint));
  return lines;
}

function shortCard(card: Card, paint: Styler, width: number): string[] {
  const message = wrap(plain(card.message), width - 2).map((line) => INDENT + line);
  return [
    heading(card, paint),
    ...message,
    ...comparison(card, paint, width),
    ...command("again", card.reproduce, paint),
  ];
}

/** The bytes, for whoever wants to see them. */
function wire({ exchanges }: Card, paint: Styler, width: number): string[] {
  return exchanges.flatMap((exchange, index) => [
    paint("dim", `${INDENT}on the wire, ${index + 1} of ${exchanges.length}`),
    ...exchangeLines(exchange)
      .flatMap((line) => inPieces(plain(line), width - 4))
      .map((line) => `${INDENT}  ${line}`.trimEnd()),
  ]);
}

/** What there was no room for: by name only. */
function names(cards: readonly Card[], paint: Styler, width: number): string[] {
  if (cards.length === 0) return [];
  const text = `and ${cards.length} more: ${cards.map(({ requirement }) => plain(requirement)).join(", ")}`;
  const hint = "What is first above is most likely the cause; --verbose and the other reports show all.";
  return ["", ...wrap(text, width - 2), ...wrap(hint, width - 2)].map((line, index) =>
    index === 0 ? line : INDENT + paint("dim", line),
  );
}

/** Commands are never broken into lines: they are there to be copied. */
function command(label: string, line: string, paint: Styler): string[] {
  return line === "" ? [] : [`${INDENT}${paint("dim", label.padEnd(7))}  ${plain(line)}`];
}

function alsoIn({ caseId, others }: Card, paint: Styler): string[] {
  const few = [caseId, ...others.slice(0, 3)].map(plain).join(", ");
  const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
  return [`${INDENT}${paint("dim", `seen in  ${few}${more}`)}`];
}

/** Expected and actual below each other; what differs is in reverse, or underlined by carets where nothing is coloured. */
function comparison({ expected, actual }: Card, paint: Styler, width: number): string[] {
  const rows = [
    ["expected", expected, "green"],
    ["actual", actual, "red"],
  ] as const;
  return rows.flatMap(([label, parts, style]) => painted(label, parts, style, paint, width));
}

function painted(label: string, parts: readonly Part[], style: Style, paint: Styler, width: number): string[] {
  const text = plain(parts.map((part) => part.text).join(""));
  const head = `${INDENT}  ${label.padEnd(9)} `;
  const marked = parts.some(({ same }) => same) && parts.some(({ same }) => !same);
  if (columns(head) + columns(text) <= width && marked) {
    const line = head + parts.map((part) => emphasis(part, style, paint)).join("");
    if (paint(style, "") !== "" || label !== "actual") return [line];
    const carets = parts.map((part) => (part.same ? " " : "^").repeat(columns(plain(part.text)))).join("");
    return [line, " ".repeat(columns(head)) + carets.trimEnd()];
  }
  return wrap(text, width - columns(head)).map(
    (line, index) => (index === 0 ? head : " ".repeat(columns(head))) + paint(style, line),
  );
}

function emphasis({ text, same }: Part, style: Style, paint: Styler): string {
  return same ? paint(style, plain(text)) : paint(style, paint("reverse", plain(text)));
}

/** What is open, by reason: a skip must never look like a pass. */
function unfinished(cases: readonly CaseResult[], paint: Styler, width: number): string[] {
  return openByReason(cases).flatMap(([reason, own]) => {
    const must = own.some((it) => it.requirements.some((id) => requirementOf(id).level === "MUST"));
    const names = own.slice(0, 4).map(({ id }) => plain(id));
    const text = `? ${own.length} ${own[0]?.outcome === Outcome.ERROR ? "gone wrong" : "open"}${must ? "" : " (no MUST among them)"}: ${plain(reason)}`;
    return [
      "",
      ...wrap(text, width).map((line) => paint("yellow", line)),
      paint("dim", `${INDENT}${names.join(", ")}${own.length > 4 ? " …" : ""}`),
    ];
  });
}

/** Where the reports are, and what to type next. */
function nextSteps(
  cards: readonly Card[],
  paint: Styler,
  reports: readonly { format: string; path: string }[],
  next = cards[0]?.reproduce ?? "",
): string[] {
  const lines = reports.map(
    ({ format, path }) => `${INDENT}${paint("dim", `${format} report`.padEnd(16))}${plain(path)}`,
  );
  if (next !== "") lines.push(`${INDENT}${paint("dim", "next".padEnd(16))}${plain(next)}`);
  return lines.length === 0 ? [] : ["", ...lines];
}
