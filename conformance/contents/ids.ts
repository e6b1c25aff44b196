import type { Digest } from "./digest.js";

/** Maximum length of a client_message_id, in bytes of UTF-8. */
export const MAX_ID_BYTES = 64;

/**
 * Kinds of client_message_ids, as clients choose them, and as some servers do not expect them. Each makes an id of at
 * most 64 bytes, which differs for each digest.
 */
export const ID_KINDS: Readonly<Record<string, (digest: Digest) => string>> = {
  uuid: (it) => uuid(it),
  "uuid in capitals": (it) => uuid(it).toUpperCase(),
  "uuid in braces": (it) => `{${uuid(it)}}`,
  "uuid without hyphens": (it) => it.hex(16),
  urn: (it) => `urn:uuid:${uuid(it)}`,
  ulid: (it) => `01${it.word(24).toUpperCase()}`,
  word: (it) => it.word(21),
  snowflake: (it) => it.number(62).toString(),
  "number above 2^63": (it) => it.number(64).toString(),
  "number of 128 bits": (it) => it.number(128).toString(),
  "number with leading zeros": (it) => `000${it.number(60)}`,
  "negative number": (it) => `-${it.number(62)}`,
  "hexadecimal number": (it) => `0x00${it.hex().toUpperCase()}`,
  fraction: (it) => `0.${it.number(62)}0`,
  "point in time": (it) => pointInTime(it),
  "point in time with an offset": (it) => pointInTime(it).replace("Z", "+02:00"),
  "time and counter": (it) => `2026-01-01T00:00:00.000Z/${it.number(62)}`,
  base64: (it) => it.bytes.subarray(0, 16).toString("base64"),
  "base64 with its special characters": (it) => Buffer.concat([HIGH, it.bytes.subarray(0, 10)]).toString("base64"),
  base64url: (it) => Buffer.concat([HIGH, it.bytes.subarray(0, 10)]).toString("base64url"),
  "message id of e-mail": (it) => `<${it.word()}.1@Mail.example>`,
  url: (it) => `https://a.example/${it.word()}?x=1&y=%20+z#f`,
  path: (it) => `../../${it.word()}/./x\\..\\y`,
  "composite key": (it) => `user:1:{${it.word()}}:msg|#*`,
  JSON: (it) => `{"id":"${it.word()}","n":[1,null]}`,
  quotes: (it) => `"${it.word()}' \`x\``,
  SQL: (it) => `${it.word()}'; DROP TABLE messages;--`,
  wildcards: (it) => `%${it.word()}_*?[a-z]`,
  "format string": (it) => `%s%n\${${it.word()}}{0}`,
  "percent escapes": (it) => `a%20b%00${it.word()}%2F+`,
  "backslash escapes": (it) => `\\u0041\\n\\0${it.word()}\\`,
  HTML: (it) => `<b>${it.word()}</b>&amp;&nbsp;`,
  "leading and trailing blanks": (it) => `  ${it.word()}  `,
  "trailing newline": (it) => `${it.word()}\n`,
  CRLF: (it) => `${it.word()}\r\nX: y\r\n`,
  tabs: (it) => `\t${it.word()}\t`,
  "blanks of other kinds": (it) => `\u00a0${it.word()}\u3000\u2028`,
  "NUL inside": (it) => `a\0${it.word()}`,
  "NUL at the end": (it) => `${it.word()}\0`,
  "control characters": (it) => `\u0001\u001b[31m${it.word()}\u007f\u0085`,
  "byte order mark": (it) => `\ufeff${it.word()}`,
  "zero-width characters": (it) => `\u200b${it.word()}\u200d\u2060`,
  noncharacters: (it) => `${it.word()}\uffff\u{10ffff}`,
  Chinese: (it) => `消息-${it.word()}`,
  Arabic: (it) => `رسالة ${it.word()} \u202e`,
  Turkish: (it) => `İıIi${it.word()}ß`,
  NFC: (it) => `é${it.word()}Å`,
  NFD: (it) => `e\u0301${it.word()}A\u030a`,
  emoji: (it) => `👨‍👩‍👧${it.word()}👍🏽`,
  "only characters of four bytes": (it) =>
    // Each byte of the digest is one of 256 emoji.
    [...it.bytes.subarray(0, 16)].map((byte) => String.fromCodePoint(0x1f300 + byte)).join(""),
  "only characters of three bytes": (it) =>
    [...it.bytes.subarray(0, 21)].map((byte) => String.fromCharCode(0x4e00 + byte)).join(""),
  "16 bytes": (it) => it.word(16),
  "31 bytes": (it) => it.word(31),
  "32 bytes": (it) => it.word(32),
  "33 bytes": (it) => `x${it.word(32)}`,
  "63 bytes": (it) => `${"x".repeat(31)}${it.word(32)}`,
  "64 bytes": (it) => `${it.word(32)}${"-".repeat(32)}`,
  "64 bytes with a long prefix": (it) => `${"0".repeat(32)}${it.word(32)}`,
};

/** Bytes whose base64 has the characters that differ in the URL-safe alphabet. */
const HIGH = Buffer.from([0xfb, 0xff, 0xbf]);

function uuid(digest: Digest): string {
  const hex = digest.hex(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A point in time, which differs for each digest. */
const pointInTime = (it: Digest): string => new Date(Number(it.number(40))).toISOString();
