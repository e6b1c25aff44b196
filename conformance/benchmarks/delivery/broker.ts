import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Usual locations of the command: not all of them are in PATH. */
const LOCATIONS = [
  "/usr/sbin/mosquitto",
  "/usr/local/sbin/mosquitto",
  "/usr/bin/mosquitto",
  "/opt/homebrew/sbin/mosquitto",
];

export interface Broker {
  port: number;
  stop(): void;
}

/** The command of Mosquitto; undefined if it is not installed. */
export const mosquitto = () => LOCATIONS.find((location) => existsSync(location));

/** Starts Mosquitto on a free port, in memory, with its defaults except for limits that would drop messages. */
export async function startBroker(command: string): Promise<Broker> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "seqsync-bench-"));
  const config = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "max_queued_messages 0",
    "set_tcp_nodelay true",
    "log_type error",
  ];
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `${config.join("\n")}\n`);
  const child = spawn(command, ["-c", file], { stdio: "ignore" });
  process.once("exit", () => child.kill());
  await untilReady(child, port);
  return {
    port,
    stop: () => {
      child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await pause(20)) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (connected) return;
  }
  child.kill();
  throw new Error("mosquitto does not accept connections");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
