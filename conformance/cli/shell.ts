import { execFile } from "node:child_process";

/** How long the command may take, in milliseconds. */
const RESTART_TIMEOUT_MS = 60_000;

/** Runs the shell command that kills the server and starts it again; it ends with exit code 0 when the server is up. */
export function restartBy(command: string): () => Promise<void> {
  return () =>
    new Promise((resolve, reject) => {
      execFile("/bin/sh", ["-c", command], { timeout: RESTART_TIMEOUT_MS, maxBuffer: 16 << 20 }, (error, _out, err) => {
        if (error === null) return resolve();
        const how = error.killed
          ? `did not end within ${RESTART_TIMEOUT_MS / 1000} s`
          : `ended with exit code ${error.code}`;
        const last = err.trim().split("\n").at(-1);
        reject(new Error(`the restart command ${how}${last ? `: ${last}` : ""}`));
      });
    });
}
