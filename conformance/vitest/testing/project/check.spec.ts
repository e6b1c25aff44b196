import { beforeAll } from "vitest";
import { poolAccounts } from "../../../accounts/pool.js";
import { describeConformance } from "../../index.js";
import type { Settings } from "../run-project.js";

/** A user's test file. What it checks comes from the test that runs it. */
const { url, accounts, slow = false } = JSON.parse(process.env["PROJECT_SETTINGS"] ?? "{}") as Settings;

const urls: string[] = [];
// As users do who start their server in a hook.
beforeAll(() => {
  urls.push(url);
});

describeConformance({
  urls: () => urls,
  name: "my server",
  slow,
  ...(accounts === undefined ? {} : { accounts: async () => poolAccounts("a list", accounts) }),
});
