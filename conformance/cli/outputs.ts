import { closeSync, openSync, writeFileSync } from "node:fs";
import type { Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type ReportFormat, renderers } from "../report/formats/renderers.js";
import { didYouMean } from "./suggest.js";
import { UsageError } from "./usage.js";

/** The formats that --report knows. */
export const FORMATS = Object.keys(renderers);

/** A report that is to be written to a file. */
export interface Output {
  format: ReportFormat;
  file: string;
}

/** Reads `format=file`. */
export function parseOutput(text: string): Output {
  const [, format = "", file = ""] = /^(\w+)=(.+)$/s.exec(text) ?? [];
  const known = FORMATS.join(", ");
  if (format === "") throw new UsageError(`--report ${text}: want format=FILE; formats are ${known}`);
  if (!isFormat(format)) {
    throw new UsageError(
      `--report ${text}: there is no format "${format}"${didYouMean(format, FORMATS)}; there are ${known}`,
    );
  }
  return { format, file };
}

const isFormat = (name: string): name is ReportFormat => Object.hasOwn(renderers, name);

/** Tries whether the reports can be written, before a run: what cannot is told at once, and does not cost the verdict. */
export function tryOutputs(outputs: readonly Output[], problem: (line: string) => void): void {
  for (const { file } of outputs) {
    try {
      closeSync(openSync(file, "a"));
    } catch (error) {
      problem(unwritable(file, error));
    }
  }
}

/** Writes the reports, and returns those that are there now. What cannot be written is told, one line each. */
export function writeOutputs(outputs: readonly Output[], report: Report, problem: (line: string) => void) {
  return outputs.flatMap(({ format, file }) => {
    const text = renderers[format](report);
    return writeText(file, text, problem) ? [{ format, path: file }] : [];
  });
}

/** Writes a file. If that fails, it is told, and the answer is false. */
export function writeText(file: string, text: string, problem: (line: string) => void): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch (error) {
    problem(unwritable(file, error));
    return false;
  }
}

/** Why a file cannot be written, in words. */
export function unwritable(file: string, error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full",
    ENOENT: "there is no such folder",
    EISDIR: "that is a folder",
    EACCES: "that is not allowed",
    EROFS: "the disk cannot be written to",
  };
  return `cannot write ${file}: ${words[code] ?? (code || message)}`;
}
