import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A server in a process of its own. */
export interface Started {
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the reference server with its fixtures on a free port, in a process of its own: the suite shares no code and no event
 * loop with what it judges.
 */
export async function startReference(): Promise<Started> {
  // Beside this file as it is running: built, or as source under a loader.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const main = fileURLToPath(new URL(`../../reference-server/main.${extension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, main, "--port", "0", "--fixtures"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, SEQSYNC_FIXTURE_TOKEN: "" },
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // Whatever ends this process must not leave a server behind.
  process.once("exit", () => child.kill());
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const found = /listening on (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the reference server ended at once with exit code ${code}`)));
  });
  return {
    url,
    stop: () => {
      child.kill("SIGTERM");
      return exited;
    },
  };
}
