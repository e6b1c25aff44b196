// Text that others wrote (servers, proxies, files, commands) is data: none of it may act on a terminal, a log or a page.
// One notation shows what cannot be shown as it is: that of a JSON string, such as \u001b or \n.

// Control and format characters, which move a cursor, end a line, reorder or hide text; other separators than the space,
// which look like it; and code points that are no characters, which some formats cannot hold.
const UNPRINTABLE = /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

// Commands that a CI system obeys anywhere in a line: Azure Pipelines, GitHub Actions (its older form), TeamCity, and the
// sections of GitLab and Travis CI. The group is the character that is escaped.
const COMMANDS = /#(#)(?=\[|vso\[|teamcity\[)|(?:\bsection_(?:start|end)|\btravis_(?:fold|time))(:)/gi;

// Commands at the start of a line: GitHub Actions obeys ::name::, Buildkite folds the log at the others. White space and
// the styles of a terminal may precede them. Carets alone, which mark differences, are no command.
const LINE_COMMANDS =
  /^((?:[^\S\n]|\p{Cc}\[[\d;]*[mK])*)(?::(?=:[a-z])|-(?=--[^\S\n])|\+(?=\+\+[^\S\n])|~(?=~~[^\S\n])|\^(?=\^\^[^\S\n]+\+\+\+))/gimu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Writes a text as in a JSON string, each UTF-16 code unit as \uXXXX. */
const escaped = (text: string) =>
  SHORT[text] ??
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");

/** Shows a text on one line: what is not printable is escaped as in a JSON string, and so are commands for a CI system. */
export const printable = (text: string): string => withoutCommands(text.replaceAll(UNPRINTABLE, escaped));

/** Shows a text like {@link printable}, but keeps its line ends. */
export const printableLines = (text: string): string =>
  withoutCommands(text.replaceAll(UNPRINTABLE, (char) => (char === "\n" ? char : escaped(char))));

/**
 * Writes a JSON value with all characters escaped that are not printable, and with commands for a CI system escaped, which
 * does not change it. Surrogates without a partner become U+FFFD: a reader of protobuf JSON rejects them.
 */
export function printableJson(value: unknown, indent?: number): string {
  const wellFormed = (_key: string, field: unknown) =>
    typeof field === "string" ? field.replaceAll(/\p{Cs}/gu, "\ufffd") : field;
  // Outside of strings JSON has no such characters but line ends, which are kept.
  return printableLines(JSON.stringify(value, wellFormed, indent));
}

/**
 * Escapes a character in each command for a CI system, for a text that holds printable data in lines of its own. Only
 * whole output shows where a line starts, and what two pieces of data make together.
 */
export function withoutCommands(text: string, write = escaped): string {
  return text
    .replaceAll(COMMANDS, (command, hash, colon) => command.slice(0, -1) + write(hash ?? colon))
    .replaceAll(LINE_COMMANDS, (command, before) => before + write(command.slice(before.length)));
}
