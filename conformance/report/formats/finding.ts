import type { CaseResult } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../../printable.js";
import type { Part } from "../model/difference.js";
import { type FindingView, outcomeLine, viewFinding } from "../model/finding.js";
import { OUTCOMES } from "../model/outcomes.js";
import { drawSequence } from "./diagram.js";
import type { RenderOptions } from "./options.js";
import { LABEL_WIDTH, labelled, row, unwrappedRow } from "./rows.js";
import { type Style, type Styler, terminalText, unstyled } from "./style.js";
import { columns, wrap } from "./text.js";

const INDENT = "  ";

export interface FindingTextOptions {
  /** Default: no styles. */
  style?: Styler;
  /** Width in columns, from 40. Default 100. */
  width?: number;
  /** Text after the level in the heading, such as "3 cases". */
  scope?: string;
  /** Whether to draw the sequence diagram. Default true. */
  diagram?: boolean;
  /** Lines between the diagram and the sentence of the requirement, such as the case. */
  about?: readonly string[];
}

/** A finding as lines of text: what is wrong, the calls that show it, and the sentence of the requirement. */
export function findingText(view: FindingView, options: FindingTextOptions = {}): string[] {
  const { style = unstyled, width = 100, diagram = true, about = [] } = options;
  const lines = [...findingHeading(view, options), ...comparison(view, style, width)];
  if (diagram && view.steps.length > 0)
    lines.push("", ...drawSequence(view.steps, width - 2).map((line) => INDENT + printable(line)), "");
  return [
    ...lines,
    ...about,
    ...row("spec", view.sentence, width, style),
    labelled("", style) + style("cyan", printable(view.link)),
  ];
}

/**
 * The requirement, its level and what is wrong, such as "✗ ACK-MONOTONE (MUST, 2 cases): a lower cli_seq lowered the
 * ack".
 */
export function findingHeading(view: FindingView, { style = unstyled, width = 100, scope }: FindingTextOptions = {}) {
  const { requirement, level, message } = view;
  const { mark, color } = OUTCOMES[view.outcome];
  const title = `${mark} ${printable(requirement)}`;
  const [first = "", ...rest] = wrap(
    `${title} (${scope === undefined ? level : `${level}, ${scope}`}): ${printable(message)}`,
    width - 2,
  );
  const styled = style(color, style("bold", title));
  return [first.startsWith(title) ? styled + first.slice(title.length) : first, ...rest.map((line) => INDENT + line)];
}

/**
 * The expected and the actual value, one below the other; differences are reversed, or marked by carets without styles.
 */
export function comparison(
  { expected, actual }: Pick<FindingView, "expected" | "actual">,
  style: Styler,
  width: number,
): string[] {
  return [...side("expected", expected, "green", style, width), ...side("actual", actual, "red", style, width)];
}

function side(label: "expected" | "actual", parts: readonly Part[], color: Style, style: Styler, width: number) {
  const text = parts.map((part) => part.text).join("");
  const isMarked = parts.some(({ same }) => same) && parts.some(({ same }) => !same);
  if (!isMarked || LABEL_WIDTH + columns(printable(text)) > width)
    return row(label, text, width, style, (line) => style(color, line));
  const marked = parts.map((part) => {
    const shown = printable(part.text);
    return style(color, part.same ? shown : style("reverse", shown));
  });
  const line = labelled(label, style) + marked.join("");
  if (style(color, "") !== "" || label !== "actual") return [line];
  const caretOf = ({ same, text }: Part) => (same || !isValue(text) ? " " : "^");
  const carets = parts.map((part) => caretOf(part).repeat(columns(printable(part.text)))).join("");
  return carets.trim() === "" ? [line] : [line, labelled("", style) + carets.trimEnd()];
}

/** Whether a part has a value: a number, a name in capitals, or a text in quotes. Carets below prose say nothing. */
const isValue = (text: string) => /[\p{N}"]|\p{Lu}{2}|_|^(?:true|false)$/u.test(text);

/**
 * Why a case did not pass, for a log: each finding, then the command that reproduces it; or the reason for its outcome.
 */
export function failureText(result: CaseResult, { spec }: RenderOptions = {}): string {
  const { findings, reproduce } = result;
  if (findings.length === 0) return printable(outcomeLine(result));
  const lines = findings.flatMap((finding) => [...findingText(viewFinding(finding, { recorded: result, spec })), ""]);
  return terminalText([...lines, ...unwrappedRow("reproduce", reproduce)].join("\n").trimEnd());
}
