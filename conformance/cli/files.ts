import { appendFileSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { UsageError } from "./usage.js";

/**
 * Reads a text file; `what` names its content, such as "the known failures". Throws UsageError if it cannot be read.
 */
export function readText(file: string, what?: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error, what);
  }
}

/**
 * Returns the usage error for a file that cannot be read. Rethrows the error if it does not come from the file system.
 */
export function unreadable(file: string, error: unknown, what?: string): UsageError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return new UsageError(`cannot read ${what === undefined ? file : `${what} in ${file}`}: ${inWords(error)}`);
}

/** Returns one line that says why a file cannot be written. */
export const cannotWrite = (file: string, error: unknown) => `cannot write ${file}: ${inWords(error)}`;

/** Writes a text file. Returns whether it worked; if not, `problem` is called with the reason. */
export const writeText = (file: string, text: string, problem: (line: string) => void): boolean =>
  attempt(file, () => writeFileSync(file, text), problem);

/** Appends to a text file, like {@link writeText}. */
export const appendText = (file: string, text: string, problem: (line: string) => void): boolean =>
  attempt(file, () => appendFileSync(file, text), problem);

/** Checks that a file can be written, without changing it, like {@link writeText}. A missing file is created. */
export const checkWritable = (file: string, problem: (line: string) => void): boolean =>
  attempt(file, () => closeSync(openSync(file, "a")), problem);

function attempt(file: string, write: () => void, problem: (line: string) => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    problem(cannotWrite(file, error));
    return false;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
};

function inWords(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return WORDS[code] ?? (code || message);
}
