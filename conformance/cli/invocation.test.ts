import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { commandOf, localSpec, runnable, runnableCommand } from "./invocation.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-invocation-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bin = join(folder, "prefix", "bin");
mkdirSync(bin, { recursive: true });
writeFileSync(join(bin, "seqsync"), "");
const path = ["/usr/bin", bin];

describe("the command that starts the program again", () => {
  test.each([
    ["a dependency, by its link", "/home/project/node_modules/.bin/seqsync", "/home/project", "npx seqsync"],
    ["a dependency of a folder above", "/home/project/node_modules/.bin/seqsync", "/home/project/a/b", "npx seqsync"],
    ["a dependency, by its file", "/p/node_modules/seqsync/dist/conformance/cli/main.js", "/p", "npx seqsync"],
    ["a package that npx fetched", "/home/.npm/_npx/1f/node_modules/.bin/seqsync", "/elsewhere", "npx seqsync"],
    ["a global installation on the PATH", join(bin, "seqsync"), "/elsewhere", "seqsync"],
    ["a folder that is not on the PATH", "/opt/x/seqsync", "/opt", "node x/seqsync"],
    [
      "a dependency of another project",
      "/other/node_modules/.bin/seqsync",
      "/home",
      "node ../other/node_modules/.bin/seqsync",
    ],
    ["the sources of the repository", "/repo/conformance/cli/main.ts", "/repo", "npx tsx conformance/cli/main.ts"],
    ["the build in the repository", "/repo/dist/conformance/cli/main.js", "/repo", "node dist/conformance/cli/main.js"],
    ["a folder with a space", "/my repo/dist/main.js", "/", "node 'my repo/dist/main.js'"],
  ])("%s", (_what, program, cwd, command) => {
    expect(commandOf({ program, cwd, path })).toBe(command);
  });
});

test("takes the place of the name in the commands of a text, and nowhere else", () => {
  const text = "seqsync: `seqsync list` lists them; npx seqsync check URL; seqsync-reference-server; a seqsync report";
  expect(runnable(text, "npx seqsync")).toBe(
    "seqsync: `npx seqsync list` lists them; npx seqsync check URL; seqsync-reference-server; a npx seqsync report",
  );
  expect(runnableCommand("npx seqsync check URL --only 'seqsync check'", "$&")).toBe(
    "$& check URL --only 'seqsync check'",
  );
});

test("the specification of the package is named by its path only below the working directory", () => {
  const root = join(folder, "project", "node_modules", "seqsync");
  mkdirSync(join(root, "docs", "spec"), { recursive: true });
  expect(localSpec(join(folder, "project"), root)).toBeUndefined();
  writeFileSync(join(root, "docs", "spec", "README.md"), "");
  expect(localSpec(join(folder, "project"), root)).toBe("node_modules/seqsync/docs/spec/");
  expect(localSpec(root, root)).toBe("docs/spec/");
  expect(localSpec(bin, root)).toBeUndefined();
});
