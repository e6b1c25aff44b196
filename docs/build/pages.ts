/** All pages of the site, in the order of its navigation. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { withDiagrams } from "./diagrams/mermaid.js";
import { withExamples } from "./diagrams/player.js";
import { specification } from "./documents.js";
import { benchmarksPage } from "./reference/benchmarks.js";
import { casesPage } from "./reference/cases.js";
import { commandLinePage, configPage, configSchema } from "./reference/command-line.js";
import { killMatrixPage } from "./reference/kill-matrix.js";
import { MUTATION, measurementPage, SOAK } from "./reference/measurements.js";
import { protoPages } from "./reference/protos.js";
import { samplePages } from "./reference/samples.js";
import { withEvidence } from "./requirements.js";
import type { Page } from "./stage.js";

/** Headings of the navigation, in order. TypeDoc adds the TypeScript API. */
export const GROUPS = ["Guides", "Specification", "Reference", "Project"] as const;

/** The front page. */
export const START = "docs/start.md";

/** The guides in reading order. Each guide must be listed. */
const GUIDES = [
  "run-the-suite",
  "read-a-failure",
  "build-a-server",
  "server-node",
  "server-connect",
  "server-python",
  "per-message-acks",
  "scale",
  "write-a-case",
  "add-a-profile",
  "history",
  "faq",
];

/** Reads the Markdown sources and generates the other pages. `root` is the repository. */
export async function allPages(root: string): Promise<Page[]> {
  const source = (path: string, group: string): Page => ({
    path,
    group,
    text: withDiagrams(readFileSync(join(root, path), "utf8")),
  });
  const generated = (name: string, text: string): Page => ({
    path: `docs/reference/${name}.md`,
    group: "Reference",
    text,
  });
  const chapters = specification(join(root, "docs/spec")).map((file) => relative(root, file).replaceAll("\\", "/"));
  const [service, message, error, fixture, ...formats] = protoPages(root) as [Page, Page, Page, Page, ...Page[]];
  return [
    // The site has its own front page instead of the README, which is for readers of the repository.
    { path: START, text: withExamples(withoutTitle(source(START, "").text)) },
    ...guides(root).map((path) => source(path, "Guides")),
    ...chapters.map((path) => {
      const page = source(path, "Specification");
      return { ...page, text: withEvidence(path, page.text) };
    }),
    ...[service, message, error, fixture],
    generated("cases", casesPage()),
    generated("kill-matrix", killMatrixPage(root)),
    generated("command-line", commandLinePage(root)),
    generated("config", configPage()),
    { path: "docs/reference/seqsync.config.schema.json", text: configSchema() },
    ...formats,
    ...(await samplePages()),
    generated("benchmarks", benchmarksPage(root)),
    generated("soak", measurementPage(root, SOAK)),
    generated("mutation", measurementPage(root, MUTATION)),
    ...["CHANGELOG.md", "CONTRIBUTING.md"].map((path) => source(path, "Project")),
  ];
}

/** Removes the title of the front page: TypeDoc adds it. */
const withoutTitle = (text: string) => text.replace(/^# .+\n/, "");

function guides(root: string): string[] {
  const files = readdirSync(join(root, "docs/guides")).filter((file) => file.endsWith(".md"));
  const missing = files.filter((file) => !GUIDES.includes(file.replace(".md", "")));
  if (missing.length > 0) throw new Error(`docs/build/pages.ts does not list ${missing.join(", ")}`);
  return GUIDES.filter((name) => files.includes(`${name}.md`)).map((name) => `docs/guides/${name}.md`);
}
