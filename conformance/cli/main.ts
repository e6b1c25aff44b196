#!/usr/bin/env node
/**
 * Starts the program. Its modules are loaded from here, so that a machine that cannot load them gets one line: Node opens
 * all of them at once, which fails in various ways with few file descriptors.
 */
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXIT } from "./exit.js";
import { printError } from "./terminal.js";

/** Number of files that Node opens at once to load the program, at most. */
const FILES_AT_ONCE = 400;

try {
  await import("./program.js");
} catch (error) {
  if (canOpen(FILES_AT_ONCE)) throw error;
  printError("seqsync: this process may open too few files; raise the limit, as with `ulimit -n 1024`");
  process.exitCode = EXIT.inconclusive;
}

/** Whether this process may open so many files at once. */
function canOpen(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(fileURLToPath(import.meta.url), "r"));
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
