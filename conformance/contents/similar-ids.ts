import type { Digest } from "./digest.js";

/**
 * Pairs of prefixes with the same hash. All following text changes both hashes in the same way, so that ids with these
 * prefixes and the same end have the same hash.
 */
export const COLLISIONS: Readonly<Record<string, readonly [string, string]>> = {
  "String.hashCode of Java": ["Aa", "BB"],
  djb2: ["Aa", "B@"],
  "Adler-32": ["bdb", "cbc"],
  "CRC-32": ["kut3xtou", "hgl0kejc"],
  "CRC-32C": ["zyevxmni", "2y8ethl7"],
  "FNV-1": ["1u4bpaqz", "yl9dc3g7"],
  "FNV-1a": ["0m5ofsvt", "8ilgrs2o"],
  "MurmurHash3 with the seed 0": ["ws8j3hs4", "zhegjaug"],
};

/**
 * Families of ids that some stores take for one: by the rules that they compare, convert, shorten or hash ids with.
 * Each makes ids of at most 64 bytes that differ from each other and, for each digest, from all others.
 */
export const SIMILAR_IDS: Readonly<Record<string, (digest: Digest) => readonly string[]>> = {
  "case of letters": (it) => [`Msg-${it.hex()}`, `msg-${it.hex()}`, `MSG-${it.hex().toUpperCase()}`],
  "case of one letter": (it) => [`${it.hex()}-a`, `${it.hex()}-A`],
  "case of other letters": (it) => [`${it.hex()}-ÉΣЖ`, `${it.hex()}-éσж`],
  "case in Turkish": (it) => [`${it.hex()}-I`, `${it.hex()}-ı`, `${it.hex()}-İ`, `${it.hex()}-i`],
  "ß and ss": (it) => [`${it.hex()}-ß`, `${it.hex()}-ss`, `${it.hex()}-ẞ`],
  "case of a UUID": (it) => {
    const [, a, b, c] = /^(.{8})(.{4})(.{4})/.exec(it.hex(8)) ?? [];
    const id = `${a}-${b}-4${c?.slice(1)}-abcd-${it.bytes.subarray(8, 14).toString("hex")}`;
    return [id, id.toUpperCase(), id.replaceAll("-", ""), `{${id}}`];
  },
  "case of base64": (it) => [it.bytes.toString("base64url"), it.bytes.toString("base64url").toLowerCase()],
  "padding of base64": (it) => [it.bytes.toString("base64"), it.bytes.toString("base64").replace(/=+$/, "")],
  "spare bits of base64": (it) => [`${it.word(20)}aQ==`, `${it.word(20)}aR==`],
  "a trailing blank": (it) => [it.hex(), `${it.hex()} `, `${it.hex()}  `],
  "a leading blank": (it) => [it.hex(), ` ${it.hex()}`],
  "a trailing newline": (it) => [it.hex(), `${it.hex()}\n`, `${it.hex()}\r\n`],
  "a trailing tab": (it) => [it.hex(), `${it.hex()}\t`],
  "a blank of another kind": (it) => [`a ${it.hex()}`, `a\u00a0${it.hex()}`, `a\u2003${it.hex()}`, `a\t${it.hex()}`],
  "blanks that are joined": (it) => [`a b${it.hex()}`, `a  b${it.hex()}`],
  "a trailing NUL": (it) => [it.hex(), `${it.hex()}\0`, `${it.hex()}\0\0`],
  "text after a NUL": (it) => [`${it.hex()}\0a`, `${it.hex()}\0b`],
  "control characters that are removed": (it) => [it.hex(), `${it.hex()}\u0001`, `\u007f${it.hex()}`],
  "a character that is not shown": (it) => [it.hex(), `${it.hex()}\u200b`, `${it.hex()}\u00ad`, `\ufeff${it.hex()}`],
  "a variation selector": (it) => [`${it.hex()}☺`, `${it.hex()}☺\ufe0f`, `${it.hex()}☺\ufe0e`],
  normalisation: (it) => [`${it.hex()}-é`, `${it.hex()}-e\u0301`],
  "normalisation of a sign": (it) => [`${it.hex()}-Å`, `${it.hex()}-\u212b`, `${it.hex()}-A\u030a`],
  "normalisation of Korean": (it) => [`${it.hex()}-한`, `${it.hex()}-${"한".normalize("NFD")}`],
  compatibility: (it) => [`${it.hex()}-fi1K`, `${it.hex()}-\ufb011K`, `${it.hex()}-fi\u2460K`, `${it.hex()}-fi1\u212a`],
  width: (it) => [`${it.hex()}-ABC`, `${it.hex()}-ＡＢＣ`],
  accents: (it) => [`${it.hex()}-cafe`, `${it.hex()}-café`],
  "letters that look alike": (it) => [`${it.hex()}-a`, `${it.hex()}-а`, `${it.hex()}-α`],
  "kinds of emoji": (it) => [`${it.hex()}-😀`, `${it.hex()}-😁`, `${it.hex()}-🎉`],
  "text after an emoji": (it) => [`${it.hex()}-`, `${it.hex()}-😀`, `${it.hex()}-😀x`],
  "characters that Latin-1 lacks": (it) => [`${it.hex()}-?`, `${it.hex()}-日`, `${it.hex()}-本`, `${it.hex()}-\ufffd`],
  "a leading zero": (it) => [`${it.number(62)}`, `0${it.number(62)}`],
  "a sign": (it) => [`${it.number(62)}`, `+${it.number(62)}`, `-${it.number(62)}`],
  "a fraction of zero": (it) => [`${it.number(62)}`, `${it.number(62)}.0`, `${it.number(62)}.`],
  "an exponent": (it) => [`${it.number(52)}e0`, `${it.number(52)}E0`, `${it.number(52)}`],
  "trailing zeros of a fraction": (it) => [`0.${it.number(62)}`, `0.${it.number(62)}0`],
  "hexadecimal and decimal": (it) => [`${it.number(62)}`, `0x${it.number(62).toString(16)}`],
  "case of hexadecimal": (it) => [`0x${it.hex()}ab`, `0X${it.hex()}ab`, `0x${it.hex()}AB`],
  "neighbours above 2^53": (it) => [`${it.number(62)}`, `${it.number(62) + 1n}`, `${it.number(62) + 2n}`],
  "neighbours above 2^63": (it) => [`${it.number(64)}`, `${it.number(64) ^ 1n}`],
  "the same low 32 bits": (it) => [`${it.number(62)}`, `${it.number(62) + (1n << 32n)}`],
  "the same low 64 bits": (it) => [`${it.number(62)}`, `${it.number(62) + (1n << 64n)}`],
  "digits of another script": (it) => [`${it.hex()}-42`, `${it.hex()}-４２`, `${it.hex()}-٤٢`],
  "the first 8 bytes": (it) => [`aaaaaaaa${it.hex()}1`, `aaaaaaaa${it.hex()}2`],
  "the first 16 bytes": (it) => [`${it.hex(8)}1`, `${it.hex(8)}2`],
  "the first 32 bytes": (it) => [`${it.hex(16)}1`, `${it.hex(16)}2`],
  "the first 36 bytes": (it) => [`${it.hex(16)}0000`, `${it.hex(16)}00001`, `${it.hex(16)}00002`],
  "the first 63 bytes": (it) => [`${it.hex(31)}01`, `${it.hex(31)}02`],
  "the last 63 bytes": (it) => [`1${it.hex(31)}0`, `2${it.hex(31)}0`],
  "a prefix": (it) => [it.hex(), `${it.hex()}0`, `${it.hex()}00`],
  "an underscore as a wildcard": (it) => [`${it.hex()}_x`, `${it.hex()}ax`, `${it.hex()}%x`],
  separators: (it) => [`a:b-${it.hex()}`, `a-b:${it.hex()}`, `a/b-${it.hex()}`],
  "percent escapes": (it) => [`${it.hex()}a b`, `${it.hex()}a%20b`, `${it.hex()}a+b`],
  "backslash escapes": (it) => [`${it.hex()}A\n`, `${it.hex()}\\u0041\\n`],
  "HTML escapes": (it) => [`${it.hex()}&<`, `${it.hex()}&amp;&lt;`],
  quotes: (it) => [it.hex(), `"${it.hex()}"`, `'${it.hex()}'`],
  "line ends": (it) => [`${it.hex()}\nx`, `${it.hex()}\r\nx`, `${it.hex()}\rx`],
  "a path that is resolved": (it) => [`a/${it.hex()}`, `a/./${it.hex()}`, `a//${it.hex()}`, `a/b/../${it.hex()}`],
  "the order of letters": (it) => [`${it.hex()}ab`, `${it.hex()}ba`],
  ...Object.fromEntries(
    Object.entries(COLLISIONS).map(([hash, prefixes]) => [
      hash,
      (it: Digest) => prefixes.map((prefix) => `${prefix}${it.hex()}`),
    ]),
  ),
};
