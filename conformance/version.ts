import { readFileSync } from "node:fs";

/** Finds the package's own manifest: one folder up in the source, two in what is built. */
function manifest(): { version: string } {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
    } catch {}
  }
  throw new Error("the package has no package.json");
}

/** Version of the suite, from the package. */
export const VERSION: string = manifest().version;

/** Version of the history format. A file of another version is refused. */
export const HISTORY_FORMAT = 2;

/** Version of the report format. A file of another version is refused. */
export const REPORT_FORMAT = 2;
