import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** stdout followed by stderr. */
  all: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Text for standard input. Default: empty. */
  input?: string;
  /** Modules to load before the command. */
  imports?: readonly string[];
  /** Is called with the process, for example to send it signals. */
  onStart?: (child: ChildProcess) => void;
}

/**
 * Runs `seqsync` from source as a child process. It inherits only PATH and HOME from the environment of this process.
 */
export function seqsync(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
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

/** Resolves a package from here, because the command may run in another folder. */
const resolved = (name: string) => import.meta.resolve(name);
