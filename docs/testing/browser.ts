import { existsSync } from "node:fs";

const USUAL = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where a Chromium is: what the environment variable CHROMIUM says, or one of the usual places. Undefined if there is none. */
export function browserPath(): string | undefined {
  return [process.env["CHROMIUM"] ?? "", ...USUAL].find((path) => path !== "" && existsSync(path));
}
