import { type ChildProcess, spawn } from "node:child_process";
import { printable } from "./printable.js";

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
 * output once it ends with exit code 0. What it has started in the background may continue, even if it keeps the
 * command's output open. `name` is what the error calls the command, such as "the restart command".
 *
 * @throws ShellError if the command ends with another exit code, is killed by a signal, runs longer than `timeoutMs`
 * milliseconds, or prints more than 16 MiB.
 */
export function runShell(command: string, { name, timeoutMs }: { name: string; timeoutMs: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    const stdout = new Output();
    const stderr = new Output();
    const finish = (failure?: string) => {
      clearTimeout(timer);
      release(child);
      if (failure === undefined) return resolve(stdout.end());
      const last = stderr.end().trim().split("\n").at(-1);
      reject(new ShellError(`${name} ${failure}${last ? `: ${last}` : ""}`));
    };
    const kill = (failure: string) => {
      child.kill();
      finish(failure);
    };
    const timer = setTimeout(() => kill(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
    const receive = (output: Output) => (chunk: Buffer) => {
      if (output.add(chunk) > MAX_OUTPUT_BYTES) kill(`printed more than ${MAX_OUTPUT_BYTES >> 20} MiB`);
    };
    child.stdout.on("data", receive(stdout));
    child.stderr.on("data", receive(stderr));
    child.once("error", (error) => finish(`cannot be run: ${(error as NodeJS.ErrnoException).code}`));
    // The event "close" would come only when no process has the pipes open, thus not while a server runs that the
    // command has started.
    child.once("exit", async (code, signal) => {
      await untilQuiet(() => stdout.bytes + stderr.bytes);
      if (code === 0) return finish();
      finish(code === null ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
  });
}

/** The output of a command until it ends; what comes later is dropped. */
class Output {
  bytes = 0;
  #chunks: Buffer[] = [];
  #isEnded = false;

  /** Returns the number of bytes so far. */
  add(chunk: Buffer): number {
    if (this.#isEnded) return 0;
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
    return this.bytes;
  }

  end(): string {
    const text = Buffer.concat(this.#chunks).toString("utf8");
    this.#isEnded = true;
    this.#chunks = [];
    return text;
  }
}

/** Number of turns of the event loop without data after which the pipes count as read. */
const QUIET_TURNS = 3;

/**
 * Waits until all that a command had written when it ended has been read. That data is in the pipes, and each turn of
 * the event loop reads them.
 */
async function untilQuiet(received: () => number): Promise<void> {
  for (let before = received(), quiet = 0; quiet < QUIET_TURNS; before = received()) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = received() === before ? quiet + 1 : 0;
  }
}

/**
 * Lets this process end while a process of the command still has the pipes open. They stay open and are read, because a
 * server may write to them as long as it runs.
 */
function release(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Unreferenced | null)?.unref?.();
}

type Unreferenced = { unref?(): void };

/**
 * Quotes a text for a POSIX shell. A text that cannot be shown on a line as it is becomes $'…' with octal escapes, which
 * bash, zsh and ksh know, and POSIX since 2024.
 */
export function singleQuoted(text: string): string {
  if (printable(text) === text) return `'${text.replaceAll("'", `'\\''`)}'`;
  const shown = [...text].map((char) => {
    if (char === "'" || char === "\\") return `\\${char}`;
    // A hash or a colon may begin a command of a CI system.
    return printable(char) === char && char !== "#" && char !== ":"
      ? char
      : [...Buffer.from(char)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  });
  return `$'${shown.join("")}'`;
}

/** Quotes a word of a command for a POSIX shell, unless it needs no quotes. */
export const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : singleQuoted(word));
