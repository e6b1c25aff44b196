import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Follows every link of a built site and returns a message for each broken one: to a missing file or anchor, or out of
 * the site. External links are not followed, but no resource may be loaded from elsewhere, so that the site works
 * without a network. An id that occurs twice on a page is reported too, because only one of them can be reached.
 */
export function brokenLinks(site: string): string[] {
  const pages = new Map<string, Page>();
  for (const file of readdirSync(site, { recursive: true }).map(String))
    if (/\.(html|svg)$/.test(file)) pages.set(join(site, file), readPage(readFileSync(join(site, file), "utf8")));
  if (pages.size === 0) return [`${site} has no pages`];

  const broken: string[] = [];
  for (const [file, { ids, links, loads }] of pages) {
    const report = (problem: string) => broken.push(`${relative(site, file)}: ${problem}`);
    for (const id of new Set(ids.filter((it, index) => ids.indexOf(it) !== index))) report(`the id ${id} occurs twice`);
    for (const url of loads.filter(isExternal)) report(`${url} would be loaded from another site`);
    for (const url of [...links, ...loads].filter((it) => !isExternal(it) && !/^(mailto|data):/.test(it))) {
      const [path = "", anchor = ""] = url.split("#").map((part) => decodeURIComponent(part));
      const target = path === "" ? file : targetOf(join(dirname(file), path.split("?")[0] as string));
      if (relative(site, target).startsWith("..")) report(`${url} is outside of the site`);
      else if (!existsSync(target)) report(`${url} is a missing file`);
      else if (anchor !== "" && pages.get(target)?.ids.includes(anchor) !== true) report(`${url} is a missing anchor`);
    }
  }
  return broken;
}

interface Page {
  ids: string[];
  /** Targets of links. */
  links: string[];
  /** Resources that a browser loads automatically. */
  loads: string[];
}

function readPage(html: string): Page {
  const page: Page = { ids: [], links: [], loads: [] };
  // Excludes the content of scripts, which may look like tags.
  const tags = html.replace(/(<script\b[^>]*>).*?<\/script>/gs, "$1").matchAll(/<(\w+)\b[^>]*>/g);
  for (const [tag, name] of tags) {
    const attribute = (key: string) => new RegExp(`\\s${key}="([^"]*)"`).exec(tag)?.[1];
    const [id, href, src] = [attribute("id"), attribute("href"), attribute("src")];
    if (id !== undefined) page.ids.push(id);
    if (href !== undefined) (name === "a" ? page.links : page.loads).push(unescaped(href));
    if (src !== undefined) page.loads.push(unescaped(src));
  }
  return page;
}

const unescaped = (text: string) => text.replaceAll("&quot;", '"').replaceAll("&#x2F;", "/").replaceAll("&amp;", "&");

const isExternal = (url: string) => /^(https?:)?\/\//.test(url);

/** Resolves a folder to its index. */
const targetOf = (path: string) => (existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path);
