import { jsonObject } from "../rpc/connect.js";
import { pairsOf } from "../rpc/every-response.js";
import type { HttpRequest, HttpResponse } from "../transport/messages.js";

/** Between two texts that do not belong together. */
const SEPARATOR = "\n\n";

/** Of a longer body only the start and the end are examined, each of this size in bytes: a large payload is between. */
const MAX_PART = 1 << 16;

const OPENING_BRACE = 0x7b;

/** Words that responses hold for other reasons. */
const WORDS = (
  "http/1.1 http/2.0 utf-8 iso-8859-1 uint32 int64 base64 rfc3339 rfc9457 seqsync.v1.seqsyncservice " +
  "seqsync.v1.errordetail type.googleapis.com/seqsync.v1.errordetail application/json"
).split(" ");

/**
 * Whether a text that a server has chosen is in no response by chance: it has at least 8 characters, with letters and
 * digits, and is no word of the protocol and no date.
 */
export const isDistinctive = (text: string): boolean =>
  text.length >= 8 &&
  (text.match(/\d/g)?.length ?? 0) >= 2 &&
  (text.match(/[a-z]/gi)?.length ?? 0) >= 2 &&
  !/^[\d\s:./TZ+-]*$/i.test(text) &&
  !/^\d{4}-\d\d/.test(text) &&
  !WORDS.some((word) => word.includes(text.toLowerCase()));

/** Whether a request declares a content coding. */
export const isCompressed = ({ headers = {} }: HttpRequest): boolean =>
  pairsOf(headers).some(([name, value]) => name.toLowerCase() === "content-encoding" && !/^identity$/i.test(value));

/** All texts of a request, in latin1: what it holds as it is, in JSON strings, and in base64. */
export function requestTexts({ path, headers = {}, body }: HttpRequest): string {
  const pairs = pairsOf(headers);
  const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.concat([...body]);
  return allTexts(bytes ?? new Uint8Array(), [path, decodedPath(path), ...pairs.map(([, value]) => value)]);
}

/** All texts of a response, in latin1: its headers, its body, its JSON strings, and what they hold in base64. */
export const textsOf = ({ headers, body }: HttpResponse): string =>
  allTexts(
    body,
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  );

function allTexts(body: Uint8Array, others: readonly string[]): string {
  const bytes = Buffer.from(body);
  const parts = bytes.length <= 2 * MAX_PART ? [bytes] : [bytes.subarray(0, MAX_PART), bytes.subarray(-MAX_PART)];
  const texts = [...parts.map((part) => part.toString("latin1")), ...others];
  const json = bytes[0] === OPENING_BRACE || others.some((it) => /json/i.test(it)) ? jsonObject(bytes.toString()) : {};
  collectStrings(json, texts);
  for (const text of [...texts]) if (text.length <= 2 * MAX_PART) texts.push(...decodings(text));
  return texts.join(SEPARATOR);
}

function collectStrings(value: unknown, texts: string[]): void {
  if (typeof value === "string") texts.push(Buffer.from(value).toString("latin1"));
  else if (typeof value === "object" && value !== null)
    for (const [name, member] of Object.entries(value)) {
      texts.push(Buffer.from(name).toString("latin1"));
      collectStrings(member, texts);
    }
}

/** What the parts of a text decode to that may be base64. */
const decodings = (text: string): string[] =>
  (text.match(/[A-Za-z0-9+/_-]{8,}/g) ?? []).map((it) => Buffer.from(it, "base64").toString("latin1"));

function decodedPath(path: string): string {
  try {
    return Buffer.from(decodeURIComponent(path)).toString("latin1");
  } catch {
    return path;
  }
}
