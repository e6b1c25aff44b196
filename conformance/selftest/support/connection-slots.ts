import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Running } from "./serve.js";

/** What a server does with connections beyond those that it has threads, or room, for. */
export type Beyond = "waits" | "closes";

/**
 * Starts a front that passes on a number of connections at once. Further ones wait until another is closed, as with a
 * server that has so many threads, or they are closed.
 */
export async function startWithSlots(behind: Running, slots: number, beyond: Beyond): Promise<Running> {
  const { hostname, port } = new URL(behind.url);
  const open = new Set<Socket>();
  const waiting: Socket[] = [];
  const pass = (socket: Socket) => {
    const other = connect(Number(port), hostname);
    open.add(socket);
    socket.pipe(other).pipe(socket);
    other.on("error", () => socket.destroy());
    other.on("close", () => socket.destroy());
    socket.on("close", () => {
      other.destroy();
      open.delete(socket);
      let next = waiting.shift();
      while (next?.destroyed) next = waiting.shift();
      if (next !== undefined) pass(next);
    });
  };
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    if (open.size < slots) pass(socket);
    else if (beyond === "waits") waiting.push(socket);
    else socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of [...open, ...waiting]) socket.destroy();
      await closed;
      await behind.stop();
    },
  };
}
