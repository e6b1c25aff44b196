/** Order, URLs, titles and anchors of the Markdown files on the site. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Application, Converter, type DocumentReflection, MarkdownEvent, RendererEvent } from "typedoc";

/** Lists the files of the specification in the order of its index. Throws if the index lacks a chapter. */
export function specification(folder: string): string[] {
  const index = readFileSync(join(folder, "README.md"), "utf8");
  const linked = [...index.matchAll(/\]\(([a-z-]+\.md)/g)].map(([, file = ""]) => file);
  const files = [...new Set(["README.md", ...linked])];
  const missing = readdirSync(folder).filter((file) => file.endsWith(".md") && !files.includes(file));
  if (missing.length > 0) throw new Error(`${join(folder, "README.md")} does not link to ${missing.join(", ")}`);
  return files.map((file) => join(folder, file));
}

/** Names documents by file in URLs, so that the URLs are stable, and by first heading on pages. */
export function nameDocuments(app: Application): void {
  const titles = new Map<DocumentReflection, string>();
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document: DocumentReflection) => {
    const text = document.content.map((part) => part.text).join("");
    const title = /^# (.+)$/m.exec(text)?.[1];
    if (title === undefined) throw new Error(`${document.name} has no heading of the first level`);
    titles.set(document, title);
    // Such as "spec-ack" for `docs/spec/ack.md`, and "spec" for its README.
    document.name = document.name
      .replace(/^docs\//, "")
      .replace(/\/README$/, "")
      .replaceAll("/", "-")
      .toLowerCase();
  });
  // At this event the URLs are already made from the old names.
  app.renderer.on(RendererEvent.BEGIN, () => {
    for (const [document, title] of titles) document.name = title;
  });
  // Requirements have anchors in HTML, which TypeDoc renders but does not know: it checks links against headings only.
  app.renderer.on(MarkdownEvent.PARSE, ({ page, originalText }: MarkdownEvent) => {
    if (!page.isReflectionEvent()) return;
    for (const [, id = "", after = ""] of originalText.matchAll(/<a id="([^"]+)"><\/a>(.*)/g)) {
      app.renderer.router?.getSlugger(page.model).slug(id);
      const requirement = /^\*\*([A-Z0-9-]+)\*\* \(/.exec(after)?.[1];
      if (requirement !== undefined) page.pageHeadings.push({ link: `#${id}`, text: requirement, level: 3 });
    }
  });
}
