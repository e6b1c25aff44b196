import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Both. */
  all: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** What is written to standard input. Default: nothing. */
  input?: string;
  /** Modules that are loaded before the command. */
  imports?: readonly string[];
  /** Is given the process, to send it signals. */
  onStart?: (child: ChildProcess) => void;
}

/** Runs `seqsync` as a process of its own, from source, without anything of this process's environment that it would heed. */
export function seqsync(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const { env = {}, cwd, input = "", imports = [] } = options;
  const loaders = ["tsx", ...imports].flatMap((name) => [
    "--import",
    name.startsWith("/") ? `file://${name}` : resolved(name),
  ]);
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [...loaders, MAIN, ...args], {
    env: { PATH, HOME, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  options.onStart?.(child);
  child.stdin.on("error", () => {}); // the command may have ended without reading
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr, all: stdout + stderr }));
  });
}

/** Found from here, whatever folder the command runs in. */
const resolved = (name: string) => import.meta.resolve(name);
