import { spawn } from "node:child_process";

export interface Timed {
  /** From the start of the process to its end, in seconds. */
  wall: number;
  /** Processor time of it and of the processes that it started, in seconds. */
  cpu: number;
  code: number | null;
  stdout: string;
}

/** Runs a command to its end and takes its times. The shell's own clock also counts the processor time of children's children. */
export function timed(
  command: string,
  args: readonly string[],
  { cwd, limitMs = 300_000 }: TimedOptions = {},
): Promise<Timed> {
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
        return reject(new Error(`${command} was not timed: ${times}`));
      resolve({ wall, cpu: user + system, code, stdout });
    });
  });
}

interface TimedOptions {
  cwd?: string;
  /** After which the command is stopped, in milliseconds. */
  limitMs?: number;
}
