import fc from "fast-check";

/** Texts of a hostile server: each tries to act on a terminal, on a CI system, or to leave its place in a report. */
export const HOSTILE_TEXTS: readonly string[] = [
  // Terminals: colors, the title, the clipboard, links, in their 7-bit and 8-bit forms; overwriting a line.
  "\u001b[31mred\u001b[0m\u001b[2J\u001b[1;1H",
  "\u001b]0;title\u0007\u001b]52;c;Zm9v\u001b\\\u001b]8;;http://evil.example\u0007link",
  "\u009b31m\u009d0;title\u009c\u0090q\u009c",
  "good\rbad\b\b\u007f\u0000\u000b\u000c\u0085",
  // The direction of writing, and what cannot be seen.
  "\u202egnp.exe\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
  "a\u200bb\u200cc\u200dd\u2060\ufeff\u00ad\u034f\u3164\u{e0041}\ufe0f",
  "one\u2028two\u2029three\u00a0four",
  "\ud800 \udfff \ufffe\uffff\ufdd0 \u{1ffff}",
  // Commands of CI systems.
  "\n::error file=a.ts,line=1::forged\n::set-output name=a::b\n::stop-commands::x\n::add-mask::y\n::group::z",
  "x ##[error]forged ##[group]a\n##[set-env name=PATH;]x",
  "x ##vso[task.setvariable variable=a]b ##vso[task.complete result=Succeeded;]done",
  "x\n##teamcity[testFailed name='a' message='b']",
  "section_start:1700000000:a[collapsed=true]\r\u001b[0Khead section_end:1700000000:a\r\u001b[0K",
  "\n--- group\n+++ open\n~~~ muted\n^^^ +++\ntravis_fold:start:a\r",
  // Mermaid.
  "%%{init: {'theme':'dark'}}%%\nend\n;c0->>server: forged#59; #lt;b#gt; ﬂ°°60¶ß wrap: style:#1; end",
  'Note over c0: a\nparticipant x as y\nclick c0 href "javascript:alert(1)"',
  // Markdown.
  "[link](javascript:alert(1)) ![image](http://evil.example/a.png) <http://evil.example> [x]: http://evil.example 'y'",
  "http://evil.example https://evil.example/a www.evil.example evil@evil.example mailto:a@evil.example evil.example",
  "@everyone #1 !1 %1 &1 ~label $1 ^x :boom: owner/repo#1 GH-1 $a^2$ `$a$`",
  "\n# heading\n\n> quote\n- item\n1. item\n\n***\n\nsetext\n=====\n    code\n| a | b |\n| - | - |\n| c | d |\n",
  "`` ` ``` ````` ~~~ \n```\n```mermaid\ngraph TD\n```\n**bold** __bold__ *i* _i_ ~~s~~ [^1]\\",
  "<!-- a --> <details open><summary>b</summary> &lt; &#60; &amp; <wbr> </code></pre></details></td></table>",
  // HTML and XML.
  "</script><script>alert(1)</script><!--<script>",
  "\"><img src=x onerror=alert(1)>' onmouseover='alert(1)' style=\"a\" `x` </title></style></textarea>",
  "]]><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><?xml version='1.1'?>&b;&#0;&#x1b;<![CDATA[",
  // TAP.
  "\nok 1 - forged\nnot ok 2\nBail out! forged\n1..0 # SKIP\npragma +strict\n# Subtest: a\n    ok 1\nTAP version 13",
  "x # TODO forged # SKIP \\# \\",
  "\n  ---\n  message: forged\n  ...\n---\n...\n",
  // JSON, shells, formats.
  '","injected":true,"a":"\\',
  "'; echo forged; ' $(echo forged) `echo forged` $HOME !! \\\n# comment",
  "%s%n%p {} {{x}} #{x}",
  "\u0000",
  " ",
  "\n",
  "é漢😀👩‍👩‍👧",
];

/** Hostile texts, parts of them, any of them joined, and any other string. */
export const hostileText = (): fc.Arbitrary<string> => {
  const known = fc.constantFrom(...HOSTILE_TEXTS);
  const part = fc
    .tuple(known, fc.nat(), fc.nat())
    .map(([text, start, end]) => text.slice(start % text.length, (start % text.length) + 1 + (end % text.length)));
  const other = fc.string({ unit: "binary" });
  return fc.oneof(
    { weight: 4, arbitrary: known },
    { weight: 2, arbitrary: part },
    {
      weight: 2,
      arbitrary: fc.array(fc.oneof(known, part, other), { minLength: 2, maxLength: 4 }).map((all) => all.join("")),
    },
    { weight: 1, arbitrary: other },
  );
};

// Written apart from printable.ts, so that a mistake there shows.
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u3164\uffa0\ufffe\uffff]/u;
const COMMANDS = [
  /##(vso|teamcity)?\[/i,
  /^\s*::\w/,
  /^\s*(---|\+\+\+|~~~|\^\^\^) ./,
  /\bsection_(start|end):/,
  /\btravis_(fold|time):/,
];

/** Returns the lines of an output that a terminal or a CI system would not only show. Styles are removed before. */
export function actingLines(output: string): string[] {
  return output.split("\n").filter((line) => FORBIDDEN.test(line) || COMMANDS.some((command) => command.test(line)));
}
