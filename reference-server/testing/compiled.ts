import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "../..");

/**
 * Compiles the reference server into a folder, without checking types, and returns the path of its command. Starting
 * the command with a loader instead would cost more than a second of processor time for each process.
 */
export function compileReferenceServer(folder: string): string {
  for (const top of ["proto", "reference-server"]) {
    for (const file of readdirSync(join(root, top), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const target = join(folder, top, file.replace(/\.ts$/, ".js"));
      const source = readFileSync(join(root, top, file), "utf8");
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, ts.transpile(source, { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }));
    }
  }
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  return join(folder, "reference-server/main.js");
}
