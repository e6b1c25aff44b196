import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { didYouMean } from "../suggest.js";
import type { MutantInfo, MutantMessage } from "./mutant-messages.js";
import { UsageError } from "./usage.js";

/**
 * A server that the command started, in a separate process: the suite shares no event loop with the server under test.
 */
export interface LocalServer {
  /** Base URLs, one for each front end. */
  urls: string[];
  /** Kills the server and starts it again; undefined if the server does not support this. */
  restart?: () => Promise<void>;
  stop(): Promise<void>;
}

/** Flags that start a server, in place of a URL. */
export interface LocalFlags {
  reference?: true;
  mutant?: string;
}

/** Whether the flags start a server. */
export const isLocal = ({ reference, mutant }: LocalFlags) => reference === true || mutant !== undefined;

/** Throws UsageError unless there is exactly one target: URLs, the reference server, or a mutant. */
export function requireOneTarget(urls: readonly string[], { reference, mutant }: LocalFlags, verb: string): void {
  const given = [urls.length > 0, reference === true, mutant !== undefined].filter(Boolean).length;
  if (given !== 1) throw new UsageError(`name one server to ${verb}: a URL, --reference, or --mutant NAME`);
}

/** Returns the arguments that start the same server again. */
export const localArguments = ({ reference, mutant }: LocalFlags) =>
  reference ? ["--reference"] : mutant === undefined ? [] : ["--mutant", mutant];

/** Starts the server that the flags name; undefined if they name none. Throws UsageError for an unknown mutant. */
export async function localTarget({ reference, mutant }: LocalFlags): Promise<LocalServer | undefined> {
  if (reference) return startReferenceServer();
  if (mutant === undefined) return undefined;
  const server = await startMutant(mutant);
  if (server !== undefined) return server;
  const names = (await listMutants()).map(({ name }) => name);
  throw new UsageError(`unknown mutant "${mutant}"${didYouMean(mutant, names) || "; `seqsync mutants` lists them"}`);
}

/** Starts the reference server with fixtures, on a free port of the loopback interface. */
async function startReferenceServer(): Promise<LocalServer> {
  const child = start("../../reference-server/main", ["--port", "0", "--fixtures"]);
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const found = /listening on (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the reference server exited with code ${code} before it was listening`)),
    );
  });
  return { urls: [url], stop: stopper(child) };
}

/** Starts a mutant with fixtures; undefined if there is no mutant of this name. */
async function startMutant(name: string): Promise<LocalServer | undefined> {
  const child = start(MUTANTS, ["serve", name]);
  const started = await reply(child, "listening", "unknown");
  if (started.kind === "unknown") return undefined;
  const { urls, restarts } = started;
  const restart = async () => {
    const restarted = reply(child, "restarted");
    child.send("restart");
    await restarted;
  };
  return { urls, ...(restarts ? { restart } : {}), stop: stopper(child) };
}

/** Lists all mutants, by chapter. */
export async function listMutants(): Promise<MutantInfo[]> {
  const listed = await reply(start(MUTANTS, ["list"]), "list");
  return listed.mutants;
}

const MUTANTS = "../selftest/mutants/main";

function start(module: string, args: string[]): ChildProcess {
  // The module has the extension of this file: .js in the package, .ts in the source tree.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const main = fileURLToPath(new URL(`${module}.${extension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    env: { ...process.env, SEQSYNC_FIXTURE_TOKEN: "" },
  });
  // The server must not outlive this process.
  process.once("exit", () => child.kill());
  return child;
}

/** Waits for the next message of one of these kinds. Rejects if the process exits first. */
function reply<K extends MutantMessage["kind"]>(
  child: ChildProcess,
  ...kinds: K[]
): Promise<Extract<MutantMessage, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the mutant exited with code ${code}`));
    const onMessage = (message: MutantMessage) => {
      if (!(kinds as string[]).includes(message.kind)) return;
      child.off("message", onMessage).off("exit", onExit).off("error", reject);
      resolve(message as Extract<MutantMessage, { kind: K }>);
    };
    child.on("message", onMessage).once("exit", onExit).once("error", reject);
  });
}

function stopper(child: ChildProcess): () => Promise<void> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return () => {
    child.kill("SIGTERM");
    return exited;
  };
}
