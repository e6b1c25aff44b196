/**
 * Generates `requirements.ts`, `ids.json` and the comments above the cases from the specification (`npm run generate`). Chapters are
 * in the order of the specification's index.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { annotate } from "./annotate.js";
import { checkIds } from "./ids.js";
import { type ParsedRequirement, parseChapter } from "./parse.js";

const root = join(import.meta.dirname, "../..");
const spec = join(root, "docs/spec");
const output = join(root, "conformance/requirements/requirements.ts");

/** Returns the files of the chapters in the order of the index. Throws if the index does not link to a chapter. */
function chapterFiles(): string[] {
  const index = readFileSync(join(spec, "README.md"), "utf8");
  const linked = [...new Set([...index.matchAll(/\]\(\.?\/?([a-z-]+\.md)/g)].map((match) => match[1] as string))];
  const missing = readdirSync(spec).filter(
    (file) => file.endsWith(".md") && file !== "README.md" && !linked.includes(file),
  );
  if (missing.length > 0) throw new Error(`docs/spec/README.md does not link to ${missing.join(", ")}`);
  return linked;
}

const requirements = chapterFiles().flatMap((file) => parseChapter(file, readFileSync(join(spec, file), "utf8")));
const duplicates = requirements.filter(({ id }, index) => requirements.findIndex((other) => other.id === id) !== index);
if (duplicates.length > 0) throw new Error(`duplicate ids: ${duplicates.map(({ id }) => id).join(", ")}`);

const entry = ({ id, level, profile, sentence, anchor }: ParsedRequirement) =>
  `  "${id}": {\n    level: "${level}",\n    profile: "${profile}",\n    sentence:\n      ${JSON.stringify(sentence)},\n    anchor: "${anchor}",\n  },`;

writeFileSync(
  output,
  `// Generated from docs/spec by \`npm run generate\`. Do not edit: edit the specification.

/** A requirement of the specification. */
export interface Requirement {
  /** The strongest key word of its sentence. */
  level: "MUST" | "SHOULD" | "MAY";
  /** The profile that it belongs to. */
  profile: "CORE" | "JSON" | "WATCH" | "DURABLE" | "CLIENT";
  /** The exact sentence. */
  sentence: string;
  /** Chapter file and anchor, below \`docs/spec/\`. */
  anchor: string;
}

/** The id of a requirement. */
export type RequirementId =
${requirements.map(({ id }) => `  | "${id}"`).join("\n")};

/** All requirements by id, in the specification's order. */
export const REQUIREMENTS: Readonly<Record<RequirementId, Requirement>> = {
${requirements.map(entry).join("\n")}
};
`,
);

const idsFile = join(import.meta.dirname, "ids.json");
const published = checkIds(
  JSON.parse(readFileSync(idsFile, "utf8")),
  requirements,
  readFileSync(join(spec, "versioning.md"), "utf8"),
);
writeFileSync(idsFile, `${JSON.stringify(published, undefined, 2)}\n`);

const sentences = new Map(requirements.map((requirement) => [requirement.id, requirement]));
const cases = join(root, "conformance/cases");
for (const file of readdirSync(cases, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))) {
  const before = readFileSync(join(cases, file), "utf8");
  const after = annotate(before, sentences);
  if (after !== before) writeFileSync(join(cases, file), after);
}
console.log(`${requirements.length} requirements`);
