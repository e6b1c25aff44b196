import { existsSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { quoted } from "../shell.js";

/** How this process was started. */
export interface Start {
  /** Path of the program, as Node was given it: of a link, if it was started by one. */
  program: string;
  cwd: string;
  /** The folders of PATH. */
  path: readonly string[];
}

/** How reports, which others read, name the command: it works wherever npm does. */
export const FOR_OTHERS = "npx seqsync";

/**
 * Returns the words that start this program again from the working directory: `npx seqsync` where it is a dependency or
 * was started by npx, `seqsync` where it is on the PATH, otherwise the path of the program.
 */
export function commandOf({ program, cwd, path }: Start): string {
  const parts = program.split(sep);
  const modules = parts.lastIndexOf("node_modules");
  if (modules >= 0) {
    const project = parts.slice(0, modules).join(sep) || sep;
    const isOfNpx = parts[modules - 2] === "_npx";
    if (isOfNpx || isInside(cwd, project)) return FOR_OTHERS;
  }
  // A global installation puts a link, or on Windows a script, next to its folder or above it.
  const folders = [dirname(program), ...(modules >= 0 ? [parts.slice(0, modules).join(sep)] : [])];
  if (folders.some((folder) => path.includes(folder) && hasCommand(folder))) return "seqsync";
  const shown = relative(cwd, program);
  return `${program.endsWith(".ts") ? "npx tsx" : "node"} ${quoted(shown.split(sep).join("/"))}`;
}

const hasCommand = (folder: string) => ["seqsync", "seqsync.cmd"].some((name) => existsSync(join(folder, name)));

const isInside = (path: string, folder: string) => path === folder || path.startsWith(folder.replace(/[\\/]?$/, sep));

/** The words that start this program again. */
export const COMMAND = commandOf({
  program: resolve(process.argv[1] ?? "seqsync"),
  cwd: process.cwd(),
  path: (process.env["PATH"] ?? "").split(delimiter),
});

/** A command of this program in a text: the name, followed by a command. */
const NAMED = /(?<![\w./-])(?:npx )?seqsync(?= (?:check|doctor|explore|judge|report|merge|list|mutants)\b)/g;

/** Replaces the name of the program in each command of a text of this program, so that the command can be run. */
export const runnable = (text: string, command = COMMAND): string => text.replaceAll(NAMED, () => command);

/** Replaces the name at the start of a command of a report. */
export const runnableCommand = (text: string, command = COMMAND): string =>
  text.replace(/^(?:npx )?seqsync(?= )/, () => command);

/** The root of the package. */
const ROOT = fileURLToPath(new URL("../".repeat(import.meta.url.endsWith(".ts") ? 2 : 3), import.meta.url));

/**
 * Where a person at this terminal finds the chapters of the specification: the folder of the package, relative to the
 * working directory, if it is below that. Undefined if not: a path elsewhere would be one of this machine.
 */
export function localSpec(cwd = process.cwd(), root = ROOT): string | undefined {
  const path = relative(cwd, join(root, "docs", "spec"));
  if (path.startsWith("..") || resolve(path) === path || !existsSync(join(cwd, path, "README.md"))) return undefined;
  return `${path.split(sep).join("/")}/`;
}
