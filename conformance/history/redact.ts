/** Replaces the credentials in recorded requests, and keeps what a case may have tested: the scheme, and odd tokens. */
interface Account {
  readonly token: string;
}

/** Stands for the token of the account whose credential is sent. */
const TOKEN = "$SEQSYNC_TOKEN";

/** Minimum length of the part of a token that is hidden, in characters. */
const MIN_PART = 6;

/** A header as "name: value", without credentials. */
export function redactedHeader([name, value]: readonly [string, string], accounts: readonly Account[]): string {
  return `${name}: ${redacted(value, isSecret(name), accounts)}`;
}

/** The bytes of a request of at most `maxBody` bytes of body, without the credentials in its head. */
export function redactedRequest(bytes: Uint8Array, maxBody: number, accounts: readonly Account[]): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const head = end < 0 ? text : text.slice(0, end);
  const lines = head.split("\r\n").map((line) => {
    const [, name = "", space = "", value = ""] = /^([^:\s]*:)(\s*)(.*)$/s.exec(line) ?? [];
    return name === "" ? line : `${name}${space}${redacted(value, isSecret(name.slice(0, -1)), accounts)}`;
  });
  const rest = end < 0 ? "" : text.slice(end, end + 4 + maxBody);
  return Buffer.from(lines.join("\r\n") + rest, "latin1");
}

const isSecret = (name: string) => /^(proxy-)?authorization$|^cookie$/i.test(name);

function redacted(value: string, mayBeSecret: boolean, accounts: readonly Account[]): string {
  const tokens = accounts.map(({ token }) => token).filter(({ length }) => length >= MIN_PART);
  // Tokens may have long parts in common, as JWTs do: a whole token of any account comes before a part of another's.
  const whole = tokens.find((token) => value.includes(token));
  if (whole !== undefined) return value.replaceAll(whole, TOKEN);
  if (!mayBeSecret) return value;
  const changed = tokens.flatMap((token) => changedToken(value, token) ?? []);
  const [best] = changed.sort((a, b) => b.hidden - a.hidden);
  if (best !== undefined) return best.text;
  if (accounts.length > 0) return value;
  // The tokens are unknown: everything after the scheme may be one.
  return /\s/.test(value) ? value.replace(/\S+\s*$/, TOKEN) : TOKEN;
}

/** A value that contains a long part of a token, as it is shown, and the number of characters that are hidden. */
interface ChangedToken {
  text: string;
  hidden: number;
}

/** Describes a value that contains a long part of a token, such as "Bearer [the first 20 characters of the token]x". */
function changedToken(value: string, token: string): ChangedToken | undefined {
  const { length } = token;
  const others: [string, string][] = [
    [token.toUpperCase(), "[the token in upper case]"],
    [token.toLowerCase(), "[the token in lower case]"],
    [[...token].reverse().join(""), "[the token backwards]"],
  ];
  for (const [form, text] of others)
    if (form !== token && value.includes(form)) return { text: value.replaceAll(form, text), hidden: length };
  let text = value;
  let hidden = 0;
  for (const [side, part] of [
    ["first", (size: number) => token.slice(0, size)],
    ["last", (size: number) => token.slice(-size)],
  ] as const) {
    for (let size = length - 1; size >= MIN_PART; size -= 1) {
      if (!text.includes(part(size))) continue;
      text = text.replaceAll(part(size), `[the ${side} ${size} of the ${length} characters of the token]`);
      hidden += size;
      break;
    }
  }
  return hidden === 0 ? undefined : { text, hidden };
}
