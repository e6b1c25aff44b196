import { readFileSync } from "node:fs";

/** Reads the package's own manifest: one folder up from the sources, two from the build. */
function manifest(): { version: string } {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
    } catch {}
  }
  throw new Error("the package has no package.json");
}

/** Version of the suite: that of the package. */
export const VERSION: string = manifest().version;

/** Version of the history format. Files of other versions are rejected. */
export const HISTORY_FORMAT = 2;

/** Version of the report format. Files of other versions are rejected. */
export const REPORT_FORMAT = 2;
