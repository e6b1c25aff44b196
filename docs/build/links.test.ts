import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { brokenLinks } from "./links.js";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function site(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-site-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

test("a site without broken links", () => {
  const folder = site({
    "index.html": `<link href="assets/a%20b.css"><a href="pages/one.html#top">1</a> <a class="x" href="pages">2</a> <a href="#here">3</a>
      <h1 id="here">x</h1> <a href="https://example.org/nowhere">4</a> <script>'<a href="gone.html">'</script> &lt;a href="gone.html"&gt;`,
    "assets/a b.css": "",
    "assets/icons.svg": `<svg><g id="icon"/></svg>`,
    "pages/index.html": `<a href="one.html?x=1&amp;y=2#top">1</a> <a href="../index.html#here">2</a> <use href="../assets/icons.svg#icon"/>`,
    "pages/one.html": `<p id="top">`,
  });
  expect(brokenLinks(folder)).toEqual([]);
});

test.each([
  ["a missing file", `<a href="gone.html">`, "index.html: gone.html is a missing file"],
  ["a folder without an index", `<a href="pages">`, "index.html: pages is a missing file"],
  ["a missing anchor", `<a href="pages/one.html#gone">`, "index.html: pages/one.html#gone is a missing anchor"],
  ["a missing anchor of the same page", `<a href="#gone">`, "index.html: #gone is a missing anchor"],
  ["a missing image", `<img src="gone.png">`, "index.html: gone.png is a missing file"],
  ["a link out of the site", `<a href="../other.html">`, "index.html: ../other.html is outside of the site"],
  [
    "a script from another site",
    `<script src="https://example.org/a.js"></script>`,
    "index.html: https://example.org/a.js would be loaded from another site",
  ],
  ["an id that occurs twice", `<p id="a"><p id="a">`, "index.html: the id a occurs twice"],
])("%s is reported", (_what, html, line) => {
  expect(brokenLinks(site({ "index.html": html, "pages/one.html": "" }))).toEqual([line]);
});

test("a folder without pages is not a site", () => {
  expect(brokenLinks(site({}))).toHaveLength(1);
});
