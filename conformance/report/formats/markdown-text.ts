import { printable } from "../../printable.js";

// ASCII punctuation with a meaning in GitHub Flavored Markdown or in HTML, and the math of GitHub.
const PUNCTUATION = /[!"#$%&*:<=>@[\\\]^_`{|}~]/g;
// Platforms look for references in the text of the page, where an entity is a character again: @name, #12, !12, %name,
// ~name, &12, $12, ^name; :name: is an emoji, and a colon ends the scheme of a URL. An empty element parts the text.
const REFERENCES = "@#!%~&$^:";
// A dot between letters may make a link of a host name.
const DOT_OF_NAME = /(?<=\p{L})\.(?=\p{L})/gu;
const BREAK = "<wbr>";
// At the start of a paragraph: the marker of a list, and white space, of which enough makes a block of code.
const START_OF_BLOCK = /^(\d+(?=[.)])|(?=[-+\s]))(.)/;

/** Text of a paragraph, a heading or a cell of a table. A colon before a space, as in prose, is left as it is. */
export function markdownText(raw: string): string {
  return printable(raw)
    .replaceAll(PUNCTUATION, (char, at: number, all: string) => {
      if (char === ":" && /^(\s|$)/.test(all.slice(at + 1, at + 2))) return char;
      return `&#${char.charCodeAt(0)};${REFERENCES.includes(char) ? BREAK : ""}`;
    })
    .replaceAll(DOT_OF_NAME, `.${BREAK}`)
    .replace(START_OF_BLOCK, (_, before: string, char: string) => `${before}&#${char.charCodeAt(0)};`);
}

/** Code within text. The element, unlike backticks, can hold any text, in a cell of a table too. */
export const markdownCode = (raw: string): string => `<code>${markdownText(raw)}</code>`;

/** A block of code. The fence is longer than any in the lines. */
export function markdownBlock(language: string, lines: readonly string[]): string[] {
  const shown = lines.map(printable);
  const longest = Math.max(...shown.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length), 2);
  const fence = "`".repeat(longest + 1);
  return [fence + language, ...shown, fence];
}
