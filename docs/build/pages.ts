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
import { withProof } from "./requirements.js";
import type { Page } from "./stage.js";

/** Headings of the navigation, in order. TypeDoc adds the TypeScript API. */
export const GROUPS = ["Guides", "Specification", "Reference", "Project"] as const;

/** The front page. */
export const START = "docs/start.md";

/** The guides in the order in which they are best read. One that is not named is an error. */
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

/** Reads the Markdown sources, and makes the generated pages. `root` is the repository. */
export async function allPages(root: string): Promise<Page[]> {
  const source = (path: string, group: string): Page => ({
    path,
    group,
    text: withDiagrams(readFileSync(join(root, path), "utf8")),
  });
  const made = (name: string, text: string): Page => ({ path: `docs/reference/${name}.md`, group: "Reference", text });
  const chapters = specification(join(root, "docs/spec")).map((file) => relative(root, file).replaceAll("\\", "/"));
  const [service, message, error, fixture, ...formats] = protoPages(root) as [Page, Page, Page, Page, ...Page[]];
  return [
    // On the site a page of its own takes the place of the README, which is for readers of the repository.
    { path: START, text: withExamples(withoutTitle(source(START, "").text)) },
    ...guides(root).map((path) => source(path, "Guides")),
    ...chapters.map((path) => {
      const page = source(path, "Specification");
      return { ...page, text: withProof(path, page.text) };
    }),
    ...[service, message, error, fixture],
    made("cases", casesPage()),
    made("kill-matrix", killMatrixPage(root)),
    made("command-line", commandLinePage(root)),
    made("config", configPage()),
    { path: "docs/reference/seqsync.config.schema.json", text: configSchema() },
    ...formats,
    ...(await samplePages()),
    made("benchmarks", benchmarksPage(root)),
    made("soak", measurementPage(root, SOAK)),
    made("mutation", measurementPage(root, MUTATION)),
    ...["CHANGELOG.md", "CONTRIBUTING.md"].map((path) => source(path, "Project")),
  ];
}

/** The front page has its title from TypeDoc. */
const withoutTitle = (text: string) => text.replace(/^# .+\n/, "");

function guides(root: string): string[] {
  const files = readdirSync(join(root, "docs/guides")).filter((file) => file.endsWith(".md"));
  const forgotten = files.filter((file) => !GUIDES.includes(file.replace(".md", "")));
  if (forgotten.length > 0) throw new Error(`docs/build/pages.ts does not name ${forgotten.join(", ")}`);
  return GUIDES.filter((name) => files.includes(`${name}.md`)).map((name) => `docs/guides/${name}.md`);
}
