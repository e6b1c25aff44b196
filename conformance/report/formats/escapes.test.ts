import { expect, test } from "vitest";
import { htmlText } from "./html/template.js";
import { markdownBlock, markdownCode, markdownText } from "./markdown-text.js";
import { mermaidText } from "./mermaid.js";
import { xmlAttribute, xmlText } from "./xml.js";

test("text of each format", () => {
  const text = "a<b>&\"' `c` #1 @d\n\u001b]]>";
  expect(xmlText(text)).toBe("a&lt;b&gt;&amp;&quot;&#39; `c` #1 @d\n\\u001b]]&gt;");
  expect(xmlAttribute(text)).toBe("a&lt;b&gt;&amp;&quot;&#39; `c` #1 @d\\n\\u001b]]&gt;");
  expect(htmlText(text)).toBe("a&lt;b&gt;&amp;&quot;&#39; &#96;c&#96; #1 @d\n\\u001b]]&gt;");
  expect(markdownText("#1 | *b* http://a.b c: d")).toBe("&#35;<wbr>1 &#124; &#42;b&#42; http&#58;<wbr>//a.<wbr>b c: d");
  expect(markdownCode("`a|b`")).toBe("<code>&#96;a&#124;b&#96;</code>");
  expect(mermaidText("end; %%{x}")).toBe("#101;nd#59; #37;#37;#123;x#125;");
});

test("Markdown text begins no list and no block of code", () => {
  const starts = ["- a", "+ a", "1. a", "23) a", "    a", "440 passed"];
  expect(starts.map(markdownText)).toEqual(["&#45; a", "&#43; a", "1&#46; a", "23&#41; a", "&#32;   a", "440 passed"]);
});

test("a fence is longer than any in its lines", () => {
  expect(markdownBlock("sh", ["````", "a"])).toEqual(["`````sh", "````", "a", "`````"]);
});
