import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

const ROOT = join(import.meta.dirname, "../../..");
/** Inside `node_modules`, so that what is compiled finds its packages, and nothing else finds it. */
const OUT = join(ROOT, "node_modules/.cache/seqsync-compiled");
const ROOMS = ["proto", "reference-server", "conformance", "docs/guides/connect"];

/**
 * Compiles what is measured, or runs for long, as it would be shipped, and answers the folder. A loader that compiles on the way must
 * not run in such a process: what it adds to functions costs time in the hot path. Only what has changed is compiled again.
 */
export function compile(): string {
  for (const room of ROOMS) {
    for (const file of readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts") || file.endsWith(".d.ts")) continue;
      const source = join(ROOT, room, file);
      const target = join(OUT, room, file.replace(/\.ts$/, ".js"));
      if (isNewer(target, source)) continue;
      const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
      put(target, ts.transpile(readFileSync(source, "utf8"), options));
    }
  }
  // Says that these files are modules.
  const [source, target] = [join(ROOT, "package.json"), join(OUT, "package.json")];
  if (!isNewer(target, source)) put(target, readFileSync(source, "utf8"));
  return OUT;
}

/** Writes a file that another process may read at that moment: it sees all of it or nothing. */
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
