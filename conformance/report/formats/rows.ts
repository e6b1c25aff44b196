import { printable } from "../../printable.js";
import { type Styler, unstyled } from "./style.js";
import { columns, wrap } from "./text.js";

const INDENT = "  ";
/** Width of a label with its indent, in columns. */
export const LABEL_WIDTH = 17;

/** A labelled text, wrapped to `width` columns. */
export function row(label: string, text: string, width: number, style: Styler, styled = (line: string) => line) {
  return wrap(printable(text), width - LABEL_WIDTH).map(
    (line, index) => labelled(index === 0 ? label : "", style) + styled(line),
  );
}

/** A labelled command or link, never wrapped so that it can be copied. No line if `text` is empty. */
export function unwrappedRow(label: string, text: string, style: Styler = unstyled): string[] {
  return text === "" ? [] : [labelled(label, style) + printable(text)];
}

/** A label padded to `LABEL_WIDTH`, or only the padding if it is empty. */
export function labelled(label: string, style: Styler): string {
  const padding = " ".repeat(LABEL_WIDTH - INDENT.length - columns(label));
  return INDENT + (label === "" ? "" : style("dim", label)) + padding;
}
