import { connect, type Socket } from "node:net";
import { serveMethods } from "../child.js";

// Clients with one Watch each, on a connection of its own. The frames of all connections are counted.
const sockets: Socket[] = [];
let frames = 0;
let lastFrameAt = 0;

serveMethods({
  /** Opens `count` Watches, 100 at a time, and resolves when each has its first frame. */
  async open(url: string, count: number): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        next += 1;
        await watch(new URL(url));
      }
    };
    await Promise.all(Array.from({ length: 100 }, worker));
    frames = 0;
  },
  /** Resolves once all clients have received one more frame, with the time of the last frame in milliseconds. */
  async allNotified(): Promise<number> {
    const deadline = performance.now() + 60_000;
    while (frames < sockets.length) {
      if (performance.now() > deadline) throw new Error(`only ${frames} of ${sockets.length} watchers were notified`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    frames = 0;
    return lastFrameAt;
  },
  close(): void {
    for (const socket of sockets.splice(0)) socket.destroy();
  },
});

function watch(url: URL): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  sockets.push(socket);
  const request = [
    "POST /seqsync.v1.SeqSyncService/Watch HTTP/1.1",
    `Host: ${url.host}`,
    "Content-Type: application/connect+proto",
    "Authorization: Bearer watched",
    "Content-Length: 5",
    "",
    "\0\0\0\0\0",
  ].join("\r\n");
  socket.write(request);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("a Watch was closed")));
    let hasFirstFrame = false;
    let start = "";
    socket.on("data", (data: Buffer) => {
      if (hasFirstFrame) {
        frames += 1;
        lastFrameAt = performance.timeOrigin + performance.now();
        return;
      }
      start += data.toString("latin1");
      if (!start.startsWith("HTTP/1.1 200")) return reject(new Error(start));
      // The head, and a chunk with the envelope of the first frame, whose epoch has 22 characters.
      if (!/\r\n\r\n[\s\S]+[\w-]{22}\r\n$/.test(start)) return;
      hasFirstFrame = true;
      resolve();
    });
  });
}
