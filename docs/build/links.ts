import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Follows every link of a built site, and tells those that lead nowhere: to a file or an anchor that is not there, or out of the
 * site. Pages elsewhere are not asked for; but nothing may be loaded from there, so that the site works without a network. An id
 * that a page has twice is told too, because only one of them can be reached.
 */
export function brokenLinks(site: string): string[] {
  const pages = new Map<string, Page>();
  for (const file of readdirSync(site, { recursive: true }).map(String))
    if (/\.(html|svg)$/.test(file)) pages.set(join(site, file), readPage(readFileSync(join(site, file), "utf8")));
  if (pages.size === 0) return [`${site} has no pages`];

  const broken: string[] = [];
  for (const [file, { ids, links, loads }] of pages) {
    const tell = (what: string) => broken.push(`${relative(site, file)}: ${what}`);
    for (const id of new Set(ids.filter((it, index) => ids.indexOf(it) !== index))) tell(`the id ${id} is there twice`);
    for (const url of loads.filter(isElsewhere)) tell(`${url} would be loaded from elsewhere`);
    for (const url of [...links, ...loads].filter((it) => !isElsewhere(it) && !/^(mailto|data):/.test(it))) {
      const [path = "", anchor = ""] = url.split("#").map((part) => decodeURIComponent(part));
      const target = path === "" ? file : targetOf(join(dirname(file), path.split("?")[0] as string));
      if (relative(site, target).startsWith("..")) tell(`${url} leads out of the site`);
      else if (!existsSync(target)) tell(`${url} leads to no file`);
      else if (anchor !== "" && pages.get(target)?.ids.includes(anchor) !== true) tell(`${url} has no such anchor`);
    }
  }
  return broken;
}

interface Page {
  ids: string[];
  /** What can be clicked. */
  links: string[];
  /** What a browser fetches by itself. */
  loads: string[];
}

function readPage(html: string): Page {
  const page: Page = { ids: [], links: [], loads: [] };
  // Tags only: what looks like one in a script is none.
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

const isElsewhere = (url: string) => /^(https?:)?\/\//.test(url);

/** A folder stands for its index. */
const targetOf = (path: string) => (existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path);
