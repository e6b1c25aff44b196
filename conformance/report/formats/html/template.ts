import { printableLines } from "../../../printable.js";

/** HTML that needs no escaping. Made by `html`. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | string | number | undefined | readonly (Html | string | number)[];

/** A template for HTML: values are escaped, unless they are HTML themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.map((string, index) => string + render(values[index])).join(""));
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  return typeof value === "object" ? value.map(render).join("") : htmlText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** Text of an element, or the value of an attribute in quotes. Keeps line ends, for `pre`. */
export const htmlText = (text: string): string =>
  printableLines(text).replaceAll(/[&<>"'`]/g, (char) => ENTITIES[char] ?? char);
