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
  for (const { token } of accounts) {
    if (token.length < MIN_PART) continue;
    if (value.includes(token)) return value.replaceAll(token, TOKEN);
    if (!mayBeSecret) continue;
    const changed = changedToken(value, token);
    if (changed !== undefined) return changed;
  }
  if (!mayBeSecret || accounts.length > 0) return value;
  // The tokens are unknown: everything after the scheme may be one.
  return /\s/.test(value) ? value.replace(/\S+\s*$/, TOKEN) : TOKEN;
}

/** Describes a value that contains a long part of a token, such as "Bearer [the first 20 characters of the token]x". */
function changedToken(value: string, token: string): string | undefined {
  const others: [string, string][] = [
    [token.toUpperCase(), "[the token in upper case]"],
    [token.toLowerCase(), "[the token in lower case]"],
    [[...token].reverse().join(""), "[the token backwards]"],
  ];
  for (const [form, text] of others) if (form !== token && value.includes(form)) return value.replaceAll(form, text);
  let rest = value;
  let isChanged = false;
  for (let length = token.length - 1; length >= MIN_PART; length -= 1) {
    const start = token.slice(0, length);
    if (rest.includes(start)) {
      rest = rest.replaceAll(start, `[the first ${length} of the ${token.length} characters of the token]`);
      isChanged = true;
      break;
    }
  }
  for (let length = token.length - 1; length >= MIN_PART; length -= 1) {
    const end = token.slice(-length);
    if (rest.includes(end))
      return rest.replaceAll(end, `[the last ${length} of the ${token.length} characters of the token]`);
  }
  return isChanged ? rest : undefined;
}
