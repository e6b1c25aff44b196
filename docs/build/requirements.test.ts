import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { REQUIREMENTS } from "../../conformance/requirements/requirements.js";
import { specification } from "./documents.js";
import { withEvidence } from "./requirements.js";

const root = join(import.meta.dirname, "../..");
const chapters = specification(join(root, "docs/spec")).map((file) =>
  withEvidence(relative(root, file).replaceAll("\\", "/"), readFileSync(file, "utf8")),
);

test("each requirement of the registry, and nothing else, has a line with its cases and mutants", () => {
  const shown = chapters.join("\n").match(/\[permalink\]\(#[a-z0-9-]+\)/g);
  const expected = Object.keys(REQUIREMENTS).map((id) => `[permalink](#${id.toLowerCase()})`);
  expect(shown?.sort()).toEqual(expected.sort());
});

test("the line shows level, profile, cases and mutants", () => {
  const text = chapters.join("\n");
  const line = text.slice(text.indexOf("[permalink](#ack-ahead)") - 40).split("</div>")[0];
  expect(line).toContain("**MUST** · profile CORE");
  expect(line).toContain("[ack/ahead-is-refused](../reference/cases.md#case-ack-ahead-is-refused)");
  expect(line).toMatch(/mutants? that breaks? it/);
});

test("a requirement that is not in the registry is an error", () => {
  const quote = '> <a id="no-such"></a>**NO-SUCH** (CORE) A server MUST not exist.\n';
  expect(() => withEvidence("docs/spec/x.md", quote)).toThrow("NO-SUCH is not in the registry");
});
