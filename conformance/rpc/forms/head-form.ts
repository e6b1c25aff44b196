import { integer, pick, shuffled } from "../../random.js";
import type { FormChoice } from "./aspects.js";
import { EXTRA_HEADERS, MANY_HEADERS } from "./extra-headers.js";

type Header = [name: string, value: string];

/** The media types of calls. */
const MEDIA_TYPE = /^application\/(connect\+)?(proto|json)$/;

/** A server needs room for 8 KiB of headers: beside a long token there is none for more. */
const MAX_BYTES_BESIDE_EXTRA = 2048;

/**
 * Returns the headers of a request in another form that means the same. The values stay, except for the case of the
 * authentication scheme and of the media type, and a charset of JSON. About 1 KiB of headers is added at most.
 */
export function varyHead(headers: readonly (readonly [string, string])[], choice: FormChoice): Header[] {
  let result = headers.map(([name, value]): Header => [name, value]);
  if (choice.applies("scheme")) result = mapValue(result, "authorization", otherScheme(choice.random("scheme")));
  if (choice.applies("media-type")) result = mapValue(result, "content-type", otherType(choice.random("media-type")));
  if (choice.applies("extra-headers")) result = withExtra(result, choice.random("extra-headers"));
  if (choice.applies("header-order")) result = shuffled(choice.random("header-order"), result);
  if (choice.applies("header-case")) {
    const random = choice.random("header-case");
    result = result.map(([name, value]) => [otherCase(name, random), value]);
  }
  return result;
}

const mapValue = (headers: readonly Header[], name: string, change: (value: string) => string) =>
  headers.map((header): Header => (header[0].toLowerCase() === name ? [header[0], change(header[1])] : header));

const otherScheme = (random: () => number) => (value: string) =>
  value.replace(/^bearer(?= )/i, (scheme) => pick(random, ["bearer", "BEARER", "BeArEr", otherCase(scheme, random)]));

const otherType = (random: () => number) => (value: string) => {
  if (!MEDIA_TYPE.test(value)) return value;
  const type = pick(random, [value, value.toUpperCase(), otherCase(value, random)]);
  // JSON alone has a parameter that servers must accept.
  const parameters = value === "application/json" ? ["", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8"] : [""];
  return type + pick(random, parameters);
};

/** How often a request gets very many header lines. */
const MANY_LINES_SHARE = 0.1;

/** Adds up to eight headers that the request does not have, and now and then many short ones. */
function withExtra(headers: readonly Header[], random: () => number): Header[] {
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (bytes > MAX_BYTES_BESIDE_EXTRA) return [...headers];
  const present = new Set(headers.map(([name]) => name.toLowerCase()));
  const absent = Object.keys(EXTRA_HEADERS).filter((name) => !present.has(name));
  const chosen = shuffled(random, absent).slice(0, integer(random, 1, 8));
  const added = chosen.map((name): Header => [name, pick(random, EXTRA_HEADERS[name] ?? [""])]);
  const others = MANY_HEADERS.filter(([name]) => !present.has(name));
  const many = random() < MANY_LINES_SHARE ? others.map(([name, value]): Header => [name, value]) : [];
  return [...headers, ...added, ...many];
}

/** Changes the case of a text: that of words, of all letters, or of each letter. */
function otherCase(text: string, random: () => number): string {
  const words = () => text.replace(/[a-z]+/gi, (word) => (word[0] ?? "").toUpperCase() + word.slice(1).toLowerCase());
  const letters = () => text.replace(/[a-z]/gi, (it) => (random() < 0.5 ? it.toUpperCase() : it.toLowerCase()));
  return pick(random, [words, () => text.toUpperCase(), letters])();
}
