/**
 * Builds the documentation site into `docs/site/` (`npm run docs`). Fails on a warning of TypeDoc and on a broken link.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Application, OptionDefaults, TypeDocReader } from "typedoc";
import { nameDocuments } from "./documents.js";
import { adjustPages } from "./frame.js";
import { brokenLinks } from "./links.js";
import { allPages, GROUPS, START } from "./pages.js";
import { stage } from "./stage.js";
import { explainTypes } from "./types.js";

const docs = join(import.meta.dirname, "..");
const root = join(docs, "..");
const site = join(docs, "site");

const pages = await allPages(root);
const staged = stage(root, pages);
try {
  const app = await Application.bootstrap(
    {
      options: join(docs, "typedoc.json"),
      readme: join(staged, START),
      projectDocuments: pages.filter(({ group }) => group !== undefined).map(({ path }) => join(staged, path)),
      groupOrder: [...GROUPS, "*"],
      // A tag of generated code, which repeats the declaration.
      blockTags: [...OptionDefaults.blockTags, "@generated"],
      excludeTags: [...OptionDefaults.excludeTags, "@generated"],
    },
    [new TypeDocReader()],
  );
  nameDocuments(app);
  adjustPages(app);
  explainTypes(app);

  const project = await app.convert();
  if (project !== undefined) {
    app.validate(project);
    await app.generateDocs(project, site);
  }
  const broken = project === undefined ? [] : brokenLinks(site);
  for (const line of broken) console.error(line);
  if (app.logger.hasErrors() || app.logger.hasWarnings() || broken.length > 0) process.exitCode = 1;
  else console.log(`built ${site}; no broken links`);
} finally {
  rmSync(staged, { recursive: true });
}
