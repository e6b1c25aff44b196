import { expect, test } from "vitest";
import { printable, printableJson, printableLines, withoutCommands } from "./printable.js";

test.each([
  [
    "control characters",
    "a\u0000\u0007\u001b[31m\u007f\u0085\u009b",
    "a\\u0000\\u0007\\u001b[31m\\u007f\\u0085\\u009b",
  ],
  ["line ends and tabs", "a\nb\r\n\tc", "a\\nb\\r\\n\\tc"],
  ["separators other than the space", "a b\u00a0c\u2028d\u2029e\u3000f", "a b\\u00a0c\\u2028d\\u2029e\\u3000f"],
  [
    "the direction of writing",
    "\u061c\u200e\u200f\u202eabc\u2066\u2069",
    "\\u061c\\u200e\\u200f\\u202eabc\\u2066\\u2069",
  ],
  [
    "invisible characters",
    "\u00ad\u200b\u200d\ufeff\u{e0041}\u3164",
    "\\u00ad\\u200b\\u200d\\ufeff\\udb40\\udc41\\u3164",
  ],
  ["code points that are no characters", "\ud800x\ufffe\u{1ffff}", "\\ud800x\\ufffe\\ud83f\\udfff"],
  [
    "commands anywhere in a line",
    "x ##[error]y ##vso[a b]z ##teamcity[",
    "x #\\u0023[error]y #\\u0023vso[a b]z #\\u0023teamcity[",
  ],
  ["sections", "section_start:1:a travis_fold:start:b", "section_start\\u003a1:a travis_fold\\u003astart:b"],
  ["nothing else", "é 漢字 😀 ## # std::string a--- +++", "é 漢字 😀 ## # std::string a--- +++"],
])("%s: escaped as in a JSON string", (_, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test.each([
  ["  ::error file=a::b", "  \\u003a:error file=a::b"],
  ["\u001b[31m::set-output name=a::b", "\u001b[31m\\u003a:set-output name=a::b"],
  ["--- group", "\\u002d-- group"],
  ["+++ group", "\\u002b++ group"],
  ["~~~ group", "\\u007e~~ group"],
  ["^^^ +++", "\\u005e^^ +++"],
  ["  ^^^ ^^^^^", "  ^^^ ^^^^^"],
  ["  ---", "  ---"],
  ["::1", "::1"],
])("a command at the start of a line is escaped there: %j", (line, expected) => {
  expect(withoutCommands(`first\n${line}\nlast`)).toBe(`first\n${expected}\nlast`);
});

test("the value of a JSON text is kept, and its line ends", () => {
  const value = { text: "\u202e\u2028\u{e0041} ##vso[a]\n::error::\u0000" };
  const text = printableJson(value, 2);
  expect(text.split("\n")).toHaveLength(3);
  expect(text).not.toMatch(/##vso|\u202e|\u2028/u);
  expect(JSON.parse(text)).toEqual(value);
});

test("a surrogate without a partner is replaced in JSON", () => {
  expect(printableJson({ text: "a\ud800b\udc00\u{1f600}" })).toBe('{"text":"a\ufffdb\ufffd\u{1f600}"}');
});

test("lines stay apart where they are wanted", () => {
  expect(printableLines("a\r\nb\u2028c\n::warning::d")).toBe("a\\r\nb\\u2028c\n\\u003a:warning::d");
});
