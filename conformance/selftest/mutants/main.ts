/**
 * Lists the mutants, or serves one of them. `seqsync mutants` and `seqsync check --mutant NAME` start this file as a
 * child process and communicate with it over Node's IPC channel, so that the command itself never imports a mutant.
 */
import "../../../proto/base64.js";
import type { MutantMessage } from "../../cli/mutant-messages.js";
import { MUTANTS, startMutant } from "./index.js";

const send = (message: MutantMessage) => process.send?.(message);

async function serve(name: string | undefined): Promise<void> {
  const mutant = MUTANTS.find((it) => it.name === name);
  if (mutant === undefined) {
    send({ kind: "unknown" });
    return process.disconnect?.();
  }
  const server = await startMutant(mutant, { fixtures: true });
  send({ kind: "listening", urls: [...server.urls], restarts: mutant.crash !== undefined });
  let crashes = Promise.resolve();
  process.on("message", (message) => {
    if (message !== "restart") return;
    crashes = crashes.then(() => server.restart()).then(() => void send({ kind: "restarted" }));
  });
  const stop = () => void server.close().then(() => process.exit(0));
  process.once("SIGTERM", stop).once("SIGINT", stop).once("disconnect", stop);
}

const [command, name] = process.argv.slice(2);
if (command === "list") {
  send({ kind: "list", mutants: MUTANTS.map(({ name, breaks, about }) => ({ name, breaks, about })) });
  process.disconnect?.();
} else await serve(name);
