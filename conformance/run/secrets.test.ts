import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secrets } from "./secrets.js";

/** A token of characters that encodings change. */
const TOKEN = "A+b/c=~.-_%41&amp;\\u0041\"'<z>!$(x)`{}|^";

const each = (write: (byte: number) => string) => [...Buffer.from(TOKEN)].map(write);
const hex = (byte: number) => byte.toString(16).padStart(2, "0");

/** Ways in which a server may write a token. */
const ENCODINGS: Readonly<Record<string, string>> = {
  "as it is": TOKEN,
  "lower case": TOKEN.toLowerCase(),
  "upper case": TOKEN.toUpperCase(),
  percent: encodeURIComponent(TOKEN),
  "percent, each character": each((byte) => `%${hex(byte)}`).join(""),
  "percent, twice": encodeURIComponent(encodeURIComponent(TOKEN)),
  JSON: JSON.stringify(TOKEN),
  "JSON in JSON": JSON.stringify(JSON.stringify({ token: TOKEN })),
  "JSON, each character": each((byte) => `\\u00${hex(byte)}`).join(""),
  "a JSON array": JSON.stringify([...Buffer.from(TOKEN)]),
  octal: each((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join(""),
  "\\x": each((byte) => `\\x${hex(byte)}`).join(""),
  HTML: TOKEN.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  "HTML, each character": each((byte) => `&#${byte};`).join(""),
  "HTML, hexadecimal": each((byte) => `&#x${hex(byte)};`).join(""),
  hex: Buffer.from(TOKEN).toString("hex"),
  "hex in upper case": Buffer.from(TOKEN).toString("hex").toUpperCase(),
  "hex with colons": each(hex).join(":"),
  "hex with 0x": each((byte) => `0x${hex(byte)}`).join(", "),
  "hex in lines": each(hex)
    .map((byte, index) => byte + (index % 8 === 7 ? "\n" : " "))
    .join(""),
  "broken into lines": TOKEN.replaceAll(/.{5}/g, "$&\r\n "),
  "with invisible characters": TOKEN.replaceAll(/.{5}/g, "$&\u200b"),
  base64: Buffer.from(TOKEN).toString("base64"),
  base64url: Buffer.from(TOKEN).toString("base64url"),
  "base64 of a header": Buffer.from(`Basic user:${TOKEN}`).toString("base64"),
  "base64 in lines": Buffer.from(TOKEN).toString("base64").replaceAll(/.{16}/g, "$&\r\n"),
  "base64 in a URL": encodeURIComponent(Buffer.from(`${TOKEN}?`).toString("base64")),
};

describe("a credential is hidden", () => {
  test.each(Object.entries(ENCODINGS))("%s", (_, written) => {
    const secrets = new Secrets();
    secrets.add(TOKEN, "[bob]");
    expect(secrets.hide({ text: written }).text).toMatch(/^.{0,20}\[bob\].{0,8}$/s);
    const { bytes } = secrets.hide({ bytes: new TextEncoder().encode(`sent: ${written} .`) });
    expect(Buffer.from(bytes).toString()).toMatch(/^sent: .{0,20}\[bob\].{0,8} \.$/s);
  });

  test("in whatever text it is, and the text around it stays", () => {
    const secrets = new Secrets();
    secrets.add(TOKEN, "[bob]");
    const around = fc.string({ unit: fc.constantFrom(..."ab \\%u0041&#;\n…") });
    fc.assert(
      fc.property(around, around, (before, after) => {
        const hidden = secrets.hide({ text: `${before}.${TOKEN}.${after}` }).text;
        expect(hidden).toBe(`${before}.[bob].${after}`);
      }),
    );
  });

  test.each([
    ["cut by the server", `${TOKEN.slice(0, 20)} and so on`, "[token] and so on"],
    ["in base64, cut", Buffer.from(TOKEN).toString("base64").slice(0, 30), "[token]"],
    ["escaped in one way after a backslash", `\\${encodeURIComponent(TOKEN)}.`, "\\[bob]."],
  ])("%s", (_, text, expected) => {
    const secrets = new Secrets();
    secrets.add(TOKEN, "[bob]");
    expect(secrets.hide({ text }).text).toBe(expected);
  });

  test("a text without it is the same", () => {
    const secrets = new Secrets();
    secrets.add(TOKEN, "[bob]");
    fc.assert(fc.property(fc.string(), (text) => secrets.hide({ text }).text === text));
  });
});
