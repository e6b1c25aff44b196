import { existsSync } from "node:fs";

const USUAL_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The path of a Chromium: the environment variable CHROMIUM, or one of the usual paths. Undefined if there is none. */
export function browserPath(): string | undefined {
  return [process.env["CHROMIUM"] ?? "", ...USUAL_PATHS].find((path) => path !== "" && existsSync(path));
}
