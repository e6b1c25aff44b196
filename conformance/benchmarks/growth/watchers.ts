import { connect, type Socket } from "node:net";
import { answer } from "../child.js";

// Very many clients that watch. Each is a connection that counts the frames it has heard.
const sockets: Socket[] = [];
let heard = 0;
let lastHeard = 0;

answer({
  /** Opens so many watches, some at a time, and resolves when each has its first frame. */
  async open(url: string, count: number): Promise<void> {
    let next = 0;
    const some = async () => {
      while (next < count) {
        next += 1;
        await watch(new URL(url));
      }
    };
    await Promise.all(Array.from({ length: 100 }, some));
    heard = 0;
  },
  /** Resolves with when the last of them heard, once all have heard one more frame. */
  async allHeard(): Promise<number> {
    const deadline = performance.now() + 60_000;
    while (heard < sockets.length) {
      if (performance.now() > deadline) throw new Error(`only ${heard} of ${sockets.length} heard`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    heard = 0;
    return lastHeard;
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
    socket.on("close", () => reject(new Error("a watch was closed")));
    let begun = false;
    let opening = "";
    socket.on("data", (data: Buffer) => {
      if (begun) {
        heard += 1;
        lastHeard = performance.timeOrigin + performance.now();
        return;
      }
      opening += data.toString("latin1");
      if (!opening.startsWith("HTTP/1.1 200")) return reject(new Error(opening));
      // The head, and a chunk with the envelope of the first frame: an epoch of 22 characters.
      if (!/\r\n\r\n[\s\S]+[\w-]{22}\r\n$/.test(opening)) return;
      begun = true;
      resolve();
    });
  });
}
