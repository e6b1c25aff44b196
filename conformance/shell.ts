import { exec } from "node:child_process";

/** Maximum size of the output of a command, in bytes, for each of standard output and standard error. */
const MAX_OUTPUT_BYTES = 16 << 20;

/**
 * Thrown when a shell command fails. The message says how it ended, with the last line that it wrote to standard error.
 */
export class ShellError extends Error {
  override readonly name = "ShellError";
}

/**
 * Runs a command in the shell of the operating system: /bin/sh, or cmd.exe on Windows. Resolves with its standard
 * output once it ends with exit code 0. `name` is what the error calls the command, such as "the restart command".
 *
 * @throws ShellError if the command ends with another exit code, is killed by a signal, runs longer than `timeoutMs`
 * milliseconds, or prints more than 16 MiB.
 */
export function runShell(command: string, { name, timeoutMs }: { name: string; timeoutMs: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    exec(command, { timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const last = stderr.trim().split("\n").at(-1);
      reject(new ShellError(`${name} ${ending(error, timeoutMs)}${last ? `: ${last}` : ""}`));
    });
  });
}

function ending({ killed, code, signal }: NonNullable<Parameters<Callback>[0]>, timeoutMs: number): string {
  if (String(code) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `printed more than ${MAX_OUTPUT_BYTES >> 20} MiB`;
  if (killed) return `did not end within ${timeoutMs / 1000} s`;
  return typeof code === "number" ? `ended with exit code ${code}` : `was ended by ${signal ?? code}`;
}

type Callback = NonNullable<Parameters<typeof exec>[2]>;

/** Quotes a text for a POSIX shell. */
export const singleQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Quotes a word of a command for a POSIX shell, unless it needs no quotes. */
export const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : singleQuoted(word));
