/** A text as a reader may decode it, in lower case, with the place of each of its characters in the source. */
export interface TextView {
  text: string;
  sourceOf(index: number): { start: number; end: number };
}

// Escapes of URLs; of HTML and XML; of JSON, most languages and shells; then everything that is not visible, also as the
// bytes of UTF-8: it may part what belongs together.
const PERCENT = /%([\da-fA-F]{2})/g;
const REFERENCE = /&#[xX]([\da-fA-F]{1,6});|&#(\d{1,7});|&(amp|lt|gt|quot|apos);/g;
const ESCAPES = new RegExp(
  [
    PERCENT.source,
    REFERENCE.source,
    /\\[uU]\{?([\da-fA-F]{2,6})\}?|\\[xX]([\da-fA-F]{2})|\\([0-7]{3})|\\([^\s\w])|\\[nrtbf]/.source,
    /\u00e2\u0080[\u0080-\u00af]|\u00ef\u00bb\u00bf|[\s\p{Cc}\p{Cf}]/u.source,
  ].join("|"),
  "gu",
);
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
/** Number of times that a text is decoded: JSON may be in JSON. */
const MAX_DEPTH = 4;

// At least eight bytes in hex or decimal, such as "0x61, 0x62", "61:62", the lines of a dump, or a list of numbers.
const HEX = /(?:[\da-f]{2}(?:[\s:;,.|_-]|\\n|\\r|0x|\\x)*){8}/i;
const BETWEEN_HEX = /0x|\\x|\\n|\\r|[\s:;,.|_-]/gi;
const DECIMALS = /\b\d{1,3}(?:[\s,;]+\d{1,3}){7,}\b/g;

/** Returns the ways to read a text. The first one is the text itself. */
export function viewsOf(source: string): TextView[] {
  const views = [{ text: lower(source), sourceOf: (index: number) => ({ start: index, end: index + 1 }) }];
  // Alone, too: a backslash before an escape of another kind would be taken for the start of one.
  for (const pattern of [ESCAPES, PERCENT, REFERENCE]) {
    const decode = pattern === ESCAPES ? decoded : pattern === PERCENT ? decodedPercent : decodedReference;
    let last: Pieces | undefined;
    for (let depth = 0; depth < MAX_DEPTH && (last?.text ?? source).search(pattern) >= 0; depth += 1) {
      const next: Pieces = (last ?? new Pieces(source)).replace(pattern, decode);
      views.push(next.view());
      last = next;
    }
  }
  if (HEX.test(source)) views.push(new Pieces(source).replace(BETWEEN_HEX, () => "").view());
  for (const { 0: list, index } of source.matchAll(DECIMALS)) {
    const bytes = new Pieces(list, index).replace(/\d+|\D+/g, (part) => (/\d/.test(part) ? charOf(Number(part)) : ""));
    views.push(bytes.view());
  }
  return views;
}

/** A text whose parts were replaced, with their places in the source. */
class Pieces {
  readonly text: string;
  readonly #starts: readonly number[];
  readonly #ends: readonly number[];

  constructor(text: string, offset = 0, starts?: readonly number[], ends?: readonly number[]) {
    this.text = text;
    this.#starts = starts ?? Array.from({ length: text.length }, (_, index) => offset + index);
    this.#ends = ends ?? Array.from({ length: text.length }, (_, index) => offset + index + 1);
  }

  replace(pattern: RegExp, replacement: (part: string, groups: Groups) => string): Pieces {
    let text = "";
    const starts: number[] = [];
    const ends: number[] = [];
    const keep = (from: number, to: number) => {
      text += this.text.slice(from, to);
      for (let at = from; at < to; at += 1) {
        starts.push(this.#starts[at] as number);
        ends.push(this.#ends[at] as number);
      }
    };
    let done = 0;
    for (const match of this.text.matchAll(pattern)) {
      keep(done, match.index);
      done = match.index + match[0].length;
      const char = replacement(match[0], match.slice(1));
      text += char;
      for (let unit = 0; unit < char.length; unit += 1) {
        starts.push(this.#starts[match.index] as number);
        ends.push(this.#ends[done - 1] as number);
      }
    }
    keep(done, this.text.length);
    return new Pieces(text, 0, starts, ends);
  }

  view(): TextView {
    return {
      text: lower(this.text),
      sourceOf: (index) => ({ start: this.#starts[index] as number, end: this.#ends[index] as number }),
    };
  }
}

type Groups = readonly (string | undefined)[];

function decoded(part: string, groups: Groups): string {
  const [percent, hexReference, reference, name, unicode, hex, octal, escaped] = groups;
  if (percent !== undefined) return decodedPercent(part, [percent]);
  if (part.startsWith("&")) return decodedReference(part, [hexReference, reference, name]);
  const hexadecimal = unicode ?? hex;
  if (hexadecimal !== undefined) return charOf(Number.parseInt(hexadecimal, 16));
  return octal === undefined ? (escaped ?? "") : charOf(Number.parseInt(octal, 8));
}

const decodedPercent = (_part: string, [code = ""]: Groups) => charOf(Number.parseInt(code, 16));

function decodedReference(_part: string, [hex, decimal, name = ""]: Groups): string {
  if (hex !== undefined) return charOf(Number.parseInt(hex, 16));
  return decimal === undefined ? (ENTITIES[name] ?? "") : charOf(Number(decimal));
}

const charOf = (code: number) => (code > 0x20 && code <= 0x10_ffff ? String.fromCodePoint(code) : "");

/** Lower case of ASCII letters only, which keeps the length. */
const lower = (text: string) => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
