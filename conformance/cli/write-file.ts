import {
  appendFileSync,
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { inWords } from "./files.js";
import { UsageError } from "./usage.js";

/** Returns one line that says why a file cannot be written. */
export const cannotWrite = (file: string, error: unknown) => `cannot write ${file}: ${inWords(error)}`;

/**
 * Writes a text file as a whole or not at all: the text is written into a temporary file in the same folder, which then
 * replaces the file. A device or a pipe is written directly. Returns whether it worked; if not, an existing file is as
 * it was, and `problem` is called with the reason.
 */
export const writeText = (file: string, text: string, problem: (line: string) => void): boolean =>
  attempt(file, () => replaceFile(file, text), problem);

/** Appends to a text file. Returns whether it worked; if not, `problem` is called with the reason. */
export const appendText = (file: string, text: string, problem: (line: string) => void): boolean =>
  attempt(file, () => appendFileSync(file, text), problem);

function attempt(file: string, write: () => void, problem: (line: string) => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    problem(cannotWrite(file, error));
    return false;
  }
}

/**
 * Makes sure before a run that a file can be written after it: makes its folder, and leaves an existing file as it is.
 *
 * @throws UsageError if the file could not be written.
 */
export function prepareFile(file: string): void {
  try {
    makeFolder(dirname(file));
    const { path, stats } = targetOf(file);
    if (stats?.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    // A pipe must not be opened twice: its reader would see an end.
    if (stats?.isFile()) closeSync(openSync(path, "r+"));
    else if (stats === undefined) rmSync(writeTemporary(path, ""));
  } catch (error) {
    throw new UsageError(cannotWrite(file, error));
  }
}

/** Makes a folder and those above it. The recursive mode of mkdirSync never ends in a folder such as /proc. */
function makeFolder(folder: string): void {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return;
  if (stats !== undefined) throw Object.assign(new Error(), { code: "ENOTDIR" });
  makeFolder(dirname(folder));
  mkdirSync(folder);
}

/** The file that a name leads to through symbolic links; `stats` is undefined if there is none. */
function targetOf(file: string): { path: string; stats: Stats | undefined } {
  const stats = statSync(file, { throwIfNoEntry: false });
  return { path: stats === undefined ? file : realpathSync(file), stats };
}

function replaceFile(file: string, text: string): void {
  const { path, stats } = targetOf(file);
  if (stats !== undefined && !stats.isFile()) {
    writeFileSync(file, text);
    return;
  }
  let temporary: string;
  try {
    temporary = writeTemporary(path, text);
  } catch (error) {
    // In a folder that does not accept new files, an existing file can only be overwritten.
    if (stats === undefined || !["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    writeFileSync(path, text);
    return;
  }
  try {
    if (stats !== undefined) chmodSync(temporary, stats.mode & 0o7777);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a text to a new file beside a file, and to the disk. Removes it and throws if that fails. */
function writeTemporary(path: string, text: string): string {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${process.pid}.tmp`);
  const fd = openSync(temporary, "wx");
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
    closeSync(fd);
  } catch (error) {
    closeQuietly(fd);
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It is closed already, or its error is the one that is being reported.
  }
}
