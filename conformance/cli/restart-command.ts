import { runShell } from "../shell.js";
import { text } from "./options.js";

/** The option with the command that restarts the server. `purpose` completes its description. */
export const restartCommandOption = (purpose: string) =>
  text("--restart-command <command>", `shell command that kills the server and starts it again; ${purpose}`);

/** Timeout of the restart command, in milliseconds. */
const RESTART_TIMEOUT_MS = 60_000;

/** Returns a function that runs the restart command. */
export const restartBy = (restartCommand: string) => async (): Promise<void> => {
  await runShell(restartCommand, { name: "the restart command", timeoutMs: RESTART_TIMEOUT_MS });
};
