import { printable, printableLines } from "../../printable.js";

/** An element of an XML document. */
export interface Element {
  name: string;
  attributes?: Readonly<Record<string, string | number>>;
  /** Elements, or text. */
  content?: readonly Element[] | string;
}

/** An indented document in XML 1.0. */
export function xml(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, "")}\n`;
}

function render({ name, attributes = {}, content = [] }: Element, indent: string): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlAttribute(String(value))}"`);
  const open = `${indent}<${name}${head.join("")}`;
  if (content.length === 0) return `${open}/>`;
  if (typeof content === "string") return `${open}>${xmlText(content)}</${name}>`;
  return `${open}>\n${content.map((child) => render(child, `${indent}  `)).join("\n")}\n${indent}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

/** Text of an element, with its line ends. XML 1.0 could not hold control characters, not even as references. */
export const xmlText = (text: string): string => escaped(printableLines(text));

/** The value of an attribute, on one line: parsers would turn line ends into spaces. */
export const xmlAttribute = (text: string): string => escaped(printable(text));
