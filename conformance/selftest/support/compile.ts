import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

const ROOT = join(import.meta.dirname, "../../..");
/** Inside `node_modules`, so that the compiled files can import packages, and no other tool picks them up. */
const OUT = join(ROOT, "node_modules/.cache/seqsync-compiled");
const FOLDERS = ["proto", "reference-server", "conformance", "docs/guides/connect"];

/**
 * Compiles the sources as for a release, and returns the folder of the compiled files. Processes that are measured or
 * run for a long time need this: the code that a loader such as tsx adds to functions costs time in the hot path.
 * Compiles only files that have changed, and copies the certificates beside them.
 */
export function compile(): string {
  for (const folder of FOLDERS) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const source = join(ROOT, folder, file);
      if (/\.(pem|key)$/.test(file) && !isNewer(join(OUT, folder, file), source))
        put(join(OUT, folder, file), readFileSync(source, "utf8"));
      if (!file.endsWith(".ts") || file.endsWith(".test.ts") || file.endsWith(".d.ts")) continue;
      const target = join(OUT, folder, file.replace(/\.ts$/, ".js"));
      if (isNewer(target, source)) continue;
      const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
      put(target, ts.transpile(readFileSync(source, "utf8"), options));
    }
  }
  // Declares that the files are ES modules.
  const [source, target] = [join(ROOT, "package.json"), join(OUT, "package.json")];
  if (!isNewer(target, source)) put(target, readFileSync(source, "utf8"));
  return OUT;
}

/** Writes a file atomically, because another process may read it at the same time. */
function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}

function isNewer(target: string, source: string): boolean {
  const made = statSync(target, { throwIfNoEntry: false });
  return made !== undefined && made.mtimeMs > statSync(source).mtimeMs;
}
