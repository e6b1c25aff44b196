/**
 * Generates from the specification (`npm run generate`): `requirements.ts`, the list of given ids, and the sentences above the
 * cases. The chapters come in the order of the spec's index.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { annotate } from "./annotate.js";
import { checkIds } from "./ids.js";
import { type ParsedRequirement, parseChapter } from "./parse.js";

const root = join(import.meta.dirname, "../..");
const spec = join(root, "docs/spec");
const output = join(root, "conformance/requirements/requirements.ts");

/** Chapters in the order in which the index links to them; a chapter that it forgets is an error. */
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
const twice = requirements.filter(({ id }, index) => requirements.findIndex((other) => other.id === id) !== index);
if (twice.length > 0) throw new Error(`these ids are there twice: ${twice.map(({ id }) => id).join(", ")}`);

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

/** All requirements by id, in the specification's order. */
export const REQUIREMENTS = {
${requirements.map(entry).join("\n")}
} as const satisfies Readonly<Record<string, Requirement>>;

/** The id of a requirement. */
export type RequirementId = keyof typeof REQUIREMENTS;
`,
);

const idsFile = join(import.meta.dirname, "ids.json");
const given = checkIds(
  JSON.parse(readFileSync(idsFile, "utf8")),
  requirements,
  readFileSync(join(spec, "versioning.md"), "utf8"),
);
writeFileSync(idsFile, `${JSON.stringify(given, undefined, 2)}\n`);

const sentences = new Map(requirements.map((requirement) => [requirement.id, requirement]));
const cases = join(root, "conformance/cases");
for (const file of readdirSync(cases, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))) {
  const before = readFileSync(join(cases, file), "utf8");
  const after = annotate(before, sentences);
  if (after !== before) writeFileSync(join(cases, file), after);
}
console.log(`${requirements.length} requirements`);
