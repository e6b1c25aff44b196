/** Writes the pages of the site to a temporary folder, from which TypeDoc reads them. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";

/** A page in Markdown, or another file that pages link to. Links are relative to its path, as in the repository. */
export interface Page {
  /** Path below the root of the repository, such as "docs/spec/ack.md". It determines the URL of the page. */
  path: string;
  text: string;
  /** Group in the navigation. Absent for other files, and for the front page. */
  group?: string;
}

/**
 * Writes the pages to a new folder, with the other files of the repository that they link to. Returns the folder. Pages
 * may be generated at build time, and must not be written among the sources.
 */
export function stage(root: string, pages: readonly Page[]): string {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-pages-"));
  const paths = new Set(pages.map(({ path }) => path));
  for (const { path, text, group } of pages) {
    write(join(folder, path), group === undefined ? text : `---\ngroup: ${group}\n---\n\n${text}`);
    if (!path.endsWith(".md")) continue;
    for (const target of localLinks(path, text)) {
      const file = join(root, target);
      if (paths.has(target) || !existsSync(file) || !statSync(file).isFile()) continue;
      mkdirSync(dirname(join(folder, target)), { recursive: true });
      cpSync(file, join(folder, target));
    }
  }
  return folder;
}

/** Targets of the Markdown links of a page, as paths below the root, without anchors. */
const localLinks = (path: string, text: string): string[] =>
  [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, link = ""]) => normalize(join(dirname(path), link)));

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
