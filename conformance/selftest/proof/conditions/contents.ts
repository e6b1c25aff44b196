import { type ConditionFamily, condition } from "../condition.js";
import type { Target } from "../occasion.js";

/** The targets that have one message. */
const MESSAGES: readonly Target[] = ["send", "retry", "wake", "crash"];

const payload = (about: string, matches: (bytes: Buffer) => boolean): ConditionFamily => {
  const test = ({ payload: bytes }: { payload: Uint8Array }) =>
    matches(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return () =>
    condition("content", MESSAGES, `the payload ${about}`, ({ message }) => message !== undefined && test(message));
};

/** Most payloads that are looked at as text are short; longer ones are about their size. */
const text = (about: string, pattern: RegExp) =>
  payload(about, (bytes) => bytes.length <= 65_536 && pattern.test(bytes.toString("utf8")));
const binary = (about: string, ...prefix: number[]) =>
  payload(about, (bytes) => bytes.subarray(0, prefix.length).equals(Buffer.from(prefix)));

const id = (about: string, matches: (id: string) => boolean): ConditionFamily => {
  const test = matches;
  return () =>
    condition(
      "content",
      MESSAGES,
      `the client_message_id ${about}`,
      ({ message }) => message !== undefined && test(message.clientMessageId),
    );
};

const isUtf8 = (bytes: Buffer) => Buffer.from(bytes.toString("utf8")).equals(bytes);

/** Kinds of payloads and ids that real systems have taken for something else. */
export const contents: readonly ConditionFamily[] = [
  text("has an emoji or another character beyond U+FFFF", /[\u{10000}-\u{10ffff}]/u),
  text("has an emoji that is joined from several", /\u200d/),
  text("has Arabic or Hebrew letters", /[\u0590-\u06ff]/),
  text("has a Chinese, Japanese or Korean character", /[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]/),
  text("has a combining character", /[\u0300-\u036f]/),
  text("begins with a byte order mark", /^\ufeff/),
  text("ends in a newline", /\n$/),
  text("ends in a blank", / $/),
  text("begins with a blank", /^\s/),
  text("has a carriage return", /\r/),
  text("is a number with a leading zero", /^0\d+$/),
  text("is an integer above 2^53", /^\d{17,}$/),
  text("is a negative number or a fraction", /^-?\d+[.e]\d+$|^-\d+$/i),
  text("is a JSON object or array", /^\s*[[{].*[\]}]\s*$/s),
  text("is XML or HTML", /<\/?[a-z][^>]*>/i),
  text("has a URL", /https?:\/\//),
  text("has a quote as in SQL", /'/),
  text("has a format directive", /%[sdnx]/),
  text("has a backslash", /\\/),
  text("is only white space", /^\s+$/),
  text("is a UUID in upper case", /[0-9A-F]{8}-[0-9A-F]{4}/),
  text("is base64 that ends in =", /^[A-Za-z0-9+/]{6,}=+$/),
  text("is a word such as null or true", /^(null|true|false|undefined|nan|none)$/i),
  payload("has a zero byte", (bytes) => bytes.includes(0)),
  payload("ends in a zero byte", (bytes) => bytes.at(-1) === 0),
  payload("begins with a zero byte", (bytes) => bytes[0] === 0),
  payload("is not UTF-8", (bytes) => bytes.length <= 65_536 && !isUtf8(bytes)),
  payload("is empty", (bytes) => bytes.length === 0),
  payload("has one byte", (bytes) => bytes.length === 1),
  payload("has an odd number of bytes above 100", (bytes) => bytes.length > 100 && bytes.length % 2 === 1),
  payload("repeats one byte at least 16 times", (bytes) => bytes.length >= 16 && bytes.every((it) => it === bytes[0])),
  binary("is gzip", 0x1f, 0x8b),
  binary("is PNG", 0x89, 0x50, 0x4e, 0x47),
  binary("begins as a protobuf message with a first string field", 0x0a),
  binary("is a ZIP archive", 0x50, 0x4b),
  (draw) => {
    const least = draw.magnitude(64, 60_000);
    return payload(`has at least ${least} bytes`, (bytes) => bytes.length >= least)(draw);
  },
  (draw) => {
    const exact = 2 ** draw.integer(4, 15) + draw.pick([-1, 0, 1]);
    return payload(`has exactly ${exact} bytes`, (bytes) => bytes.length === exact)(draw);
  },
  (draw) => {
    const of = 2 ** draw.integer(6, 12);
    const matches = (bytes: Buffer) => bytes.length > 0 && bytes.length % of === 0;
    return payload(`has a multiple of ${of} bytes`, matches)(draw);
  },
  id("has an upper-case letter and a lower-case one", (it) => /[a-z]/.test(it) && /[A-Z]/.test(it)),
  id("is a UUID in upper case", (it) => /^[0-9A-F]{8}-[0-9A-F]{4}-/.test(it)),
  id("is decimal and has a leading zero", (it) => /^0\d+$/.test(it)),
  id("is an integer above 2^53", (it) => /^\d{17,}$/.test(it)),
  id("ends in a blank", (it) => it.endsWith(" ")),
  id("has white space", (it) => /\s/.test(it)),
  id("has a quote", (it) => /['"]/.test(it)),
  id("has a slash", (it) => it.includes("/")),
  id("has a zero character", (it) => it.includes("\0")),
  id("has a percent sign", (it) => it.includes("%")),
  id("has a colon or a space, which some keys use as a separator", (it) => /[: ]/.test(it)),
  id("has a character beyond U+FFFF", (it) => /[\u{10000}-\u{10ffff}]/u.test(it)),
  id("has a combining character", (it) => /[\u0300-\u036f]/.test(it)),
  id("is not ASCII", (it) => /[^\0-\x7f]/.test(it)),
  id("looks like a number with an exponent or in hexadecimal", (it) => /^\d+e\d+$|^0x[\da-f]+$/i.test(it)),
  id("has one byte", (it) => it.length === 1),
  (draw) => {
    const least = draw.integer(37, 64);
    return id(`has at least ${least} bytes`, (it) => Buffer.byteLength(it) >= least)(draw);
  },
];
