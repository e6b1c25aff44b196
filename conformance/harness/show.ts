import { isDeepStrictEqual } from "node:util";

/** Maximum length of a shown value, in characters. */
const MAX_VALUE = 300;
/** Maximum number of items of a list that are shown without a cut. */
const MAX_ITEMS = 8;

/**
 * Formats two values for people, an object as its fields, such as "acked_seq: 4, svr_seq: 6". Long values are cut around
 * their first difference.
 */
export function showBoth(expected: unknown, actual: unknown): [expected: string, actual: string] {
  const texts = [wholeText(expected), wholeText(actual)] as const;
  const [a, b] = texts;
  const start = Math.max(firstDifference([...a], [...b]) - MAX_VALUE / 2, 0);
  const cut = (text: string): string => {
    const points = [...text];
    if (Math.max(a.length, b.length) <= MAX_VALUE) return text;
    const shown = points.slice(start, start + MAX_VALUE).join("");
    const rest = Math.max(points.length - start - MAX_VALUE, 0);
    return `${start === 0 ? "" : `… ${start} equal characters … `}${shown}${rest === 0 ? "" : ` … ${rest} more`}`;
  };
  return [cut(a), cut(b)];
}

/** A message of a list, by its seq and its client_message_id. */
export interface ListedMessage {
  seq: number;
  clientMessageId: string;
}

/** Formats two lists of messages; long ones are cut around their first difference. */
export function showLists(
  expected: readonly ListedMessage[],
  actual: readonly ListedMessage[],
): [expected: string, actual: string] {
  const isLong = Math.max(expected.length, actual.length) > MAX_ITEMS;
  const first = firstDifference(expected, actual);
  const list = (messages: readonly ListedMessage[]): string => {
    if (messages.length === 0) return "no messages";
    const from = isLong ? Math.min(Math.max(first - 1, 0), messages.length) : 0;
    const to = isLong ? first + 2 : messages.length;
    const items = messages.slice(from, to).map(({ seq, clientMessageId }) => `${seq}:${visible(clientMessageId)}`);
    if (from > 0) items.unshift(`… ${from} equal …`);
    if (messages.length > to) items.push(`… ${messages.length - to} more`);
    return `${messages.length} message${messages.length === 1 ? "" : "s"}: ${items.join(", ")}`;
  };
  return [list(expected), list(actual)];
}

/** Index of the first item in which two lists differ. */
export function firstDifference(a: readonly unknown[], b: readonly unknown[]): number {
  const index = a.findIndex((item, at) => at >= b.length || !isDeepStrictEqual(item, b[at]));
  return index < 0 ? a.length : index;
}

/** A text with the blanks at its ends escaped, which a line of text would hide. */
const visible = (text: string) => text.replaceAll(/^ +| +$/g, (blanks) => "\\u0020".repeat(blanks.length));

function wholeText(value: unknown): string {
  if (!isPlainObject(value)) return json(value);
  return Object.entries(value)
    .filter(([name]) => !name.startsWith("$"))
    .map(([name, field]) => `${snakeCase(name)}: ${json(field)}`)
    .join(", ");
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const json = (value: unknown): string =>
  JSON.stringify(value, (_, field) => (typeof field === "bigint" ? `${field}` : field)) ?? "nothing";
