import { type JsonError, parseJson } from "../json.js";
import { readTextFile, TextFileError } from "../text-file.js";
import { UsageError } from "./usage.js";

/**
 * Reads a text file, or standard input if its name is "-"; `what` names its content, such as "the known failures".
 * Throws UsageError if it cannot be read, is not UTF-8 text, or has more than `maxBytes` (default: 16 MiB).
 */
export function readText(file: string, what?: string, maxBytes?: number): string {
  try {
    return readTextFile(file, maxBytes);
  } catch (error) {
    throw unreadable(file, error, what);
  }
}

/** Parses the text of a JSON file. Throws UsageError with the line if it is not JSON. */
export function jsonOf(file: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    const { line, message } = error as JsonError;
    throw new UsageError(`${placeIn(file, line)}: ${message}`);
  }
}

/** Names a line of a file. */
export const placeIn = (file: string, line: number) => `${nameOf(file)}, line ${line}`;

/** Names a file in messages. */
export const nameOf = (file: string) => (file === "-" ? "standard input" : file);

/**
 * Returns the usage error for a file that cannot be read. Rethrows the error if it does not come from the file system or
 * from the content of the file.
 */
export function unreadable(file: string, error: unknown, what?: string): UsageError {
  const name = what === undefined ? nameOf(file) : `${what} in ${nameOf(file)}`;
  if (error instanceof TextFileError)
    return new UsageError(
      error.line === undefined
        ? `${name}: the file ${error.message}`
        : `${name}, line ${error.line}: the file ${error.message}`,
    );
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  return new UsageError(`cannot read ${name}: ${inWords(error)}`);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EEXIST: "a part of the path is not a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is exhausted",
  EFBIG: "the file is too large for the file system or for the limit of the process",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENXIO: "it is a device or a socket without a reader",
};

/** Says in a few words why the file system refused. */
export function inWords(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return WORDS[code] ?? (code || message);
}
