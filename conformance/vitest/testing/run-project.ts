import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Account } from "../../accounts/pool.js";
import type { Notes } from "./project/notes.js";

/** Settings of the test project. */
export interface Settings {
  url: string;
  accounts?: readonly Account[];
  thorough?: boolean;
}

/** Runs the test project in a separate vitest process, as a user would, and returns what its reporter recorded. */
export async function runProject(settings: Settings, args: string[] = []): Promise<Notes & { code: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-vitest-"));
  const notes = join(folder, "notes.json");
  const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
  try {
    const { code, output } = await execute([vitest, "run", "--root", join(import.meta.dirname, "project"), ...args], {
      ...process.env,
      PROJECT_SETTINGS: JSON.stringify(settings),
      PROJECT_NOTES: notes,
    });
    let text: string;
    try {
      text = readFileSync(notes, "utf8");
    } catch {
      throw new Error(`vitest ended with code ${code} and recorded nothing:\n${output}`);
    }
    return { ...(JSON.parse(text) as Notes), code };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function execute(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (it) => (output += it));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
