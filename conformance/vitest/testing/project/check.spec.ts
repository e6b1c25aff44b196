import { beforeAll } from "vitest";
import { describeConformance } from "../../index.js";
import type { Settings } from "../run-project.js";

/** The test file of a user. Its settings come from the test that runs it. */
const { url, accounts, thorough = false } = JSON.parse(process.env["PROJECT_SETTINGS"] ?? "{}") as Settings;

const urls: string[] = [];
// The URL becomes known in a hook, as for a server that a hook starts.
beforeAll(() => {
  urls.push(url);
});

describeConformance({
  urls: () => urls,
  name: "my server",
  thorough,
  ...(accounts === undefined ? {} : { accounts }),
});
