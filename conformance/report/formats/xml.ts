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
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(String(value))}"`);
  const open = `${indent}<${name}${head.join("")}`;
  if (content.length === 0) return `${open}/>`;
  if (typeof content === "string") return `${open}>${escaped(content)}</${name}>`;
  return `${open}>\n${content.map((child) => render(child, `${indent}  `)).join("\n")}\n${indent}</${name}>`;
}

// XML 1.0 cannot hold these characters, not even as references. Lone surrogates cannot be encoded.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escapes text for XML. Characters that XML cannot hold are escaped as in JSON. */
function escaped(text: string): string {
  return text
    .replaceAll(FORBIDDEN, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`)
    .replaceAll(/[&<>"]/g, (char) => ENTITIES[char] ?? char)
    .replaceAll("\r", "&#13;");
}

/** Escapes an attribute's value. Parsers turn line ends and tabs into spaces, unless they are references. */
const attribute = (text: string) => escaped(text).replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
