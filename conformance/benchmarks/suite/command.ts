import { spawn } from "node:child_process";

export interface TimedRun {
  /** Time from the start of the process to its exit, in seconds. */
  wall: number;
  /** Processor time of the process and its children, in seconds. */
  cpu: number;
  code: number | null;
  stdout: string;
}

/** Runs a command and measures its times with the shell, which includes the processor time of all descendants. */
export function runTimed(
  command: string,
  args: readonly string[],
  { cwd, limitMs = 300_000 }: TimedOptions = {},
): Promise<TimedRun> {
  const script = 'TIMEFORMAT="%R %U %S"; { time "$@" 2>&3; } 3>/dev/null';
  const child = spawn("bash", ["-c", script, "bash", command, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
  });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let times = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      times += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      const [wall, user, system] = times.trim().split(/\s+/).map(Number);
      if (wall === undefined || user === undefined || system === undefined || Number.isNaN(wall + user + system))
        return reject(new Error(`the shell did not measure ${command}: ${times}`));
      resolve({ wall, cpu: user + system, code, stdout });
    });
  });
}

interface TimedOptions {
  cwd?: string;
  /** Time limit of the command, in milliseconds. */
  limitMs?: number;
}
