/** All pages of the site, in the order of its navigation. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { withDiagrams } from "./diagrams/mermaid.js";
import { specification } from "./documents.js";
import { casesPage } from "./reference/cases.js";
import { killMatrixPage } from "./reference/kill-matrix.js";
import { withProof } from "./requirements.js";
import type { Page } from "./stage.js";

/** Headings of the navigation, in order. TypeDoc adds "Modules" for the TypeScript API. */
export const GROUPS = ["Guides", "Specification", "Reference", "Project"] as const;

/** Reads the Markdown sources, and makes the generated pages. `root` is the repository. */
export function allPages(root: string): Page[] {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const chapters = specification(join(root, "docs/spec")).map((file) => relative(root, file).replaceAll("\\", "/"));
  return [
    ...chapters.map((path) => ({ path, group: "Specification", text: withDiagrams(withProof(path, read(path))) })),
    { path: "docs/reference/cases.md", group: "Reference", text: casesPage() },
    { path: "docs/reference/kill-matrix.md", group: "Reference", text: killMatrixPage(root) },
    ...["CHANGELOG.md", "CONTRIBUTING.md"].map((path) => ({ path, group: "Project", text: read(path) })),
  ];
}
