import { connect, type Socket } from "node:net";
import type { Tally } from "./tally.js";

/** A request that the load generator repeats. */
export interface LoadRequest {
  /** Path, with an optional query. */
  path: string;
  token: string;
  body: Buffer;
  /** Offset of 20 digits in the body that must be new in each request; undefined if there are none. */
  idAt: number | undefined;
}

/** Returns 20 digits that are unique in this process, and distinct from those of other processes. */
export function freshId(): string {
  issued += 1;
  return `${PREFIX}${String(issued).padStart(10, "0")}`;
}
let issued = 0;
const PREFIX = String(process.pid).padStart(10, "0").slice(-10);

/**
 * One HTTP/1.1 connection with one pending request at any time. It writes prepared bytes and parses only the end of a
 * response, so that it uses much less time than the server: a client library would be slower than the server that it
 * measures.
 */
export async function driveHttp1(url: URL, template: LoadRequest, tally: Tally, ended: Promise<void>): Promise<void> {
  const socket = await dial(url);
  const head = Buffer.from(
    [
      `POST ${template.path} HTTP/1.1`,
      `Host: ${url.host}`,
      "Content-Type: application/proto",
      `Authorization: Bearer ${template.token}`,
      `Content-Length: ${template.body.length}`,
      "",
      "",
    ].join("\r\n"),
  );
  const request = Buffer.concat([head, template.body]);
  const next = () => {
    if (template.idAt === undefined) return request;
    const fresh = Buffer.from(request);
    fresh.write(freshId(), head.length + template.idAt, "latin1");
    return fresh;
  };

  let stopped = false;
  let missing = -1; // remaining bytes of the response body; -1 before the head is complete
  let size = 0;
  let rest: Buffer | undefined;
  let startedAt = 0;
  const begin = () => {
    missing = -1;
    size = 0;
    startedAt = performance.now();
    socket.write(next());
  };
  return new Promise((resolve, reject) => {
    socket.on("error", (error) => (stopped ? undefined : reject(error)));
    socket.on("close", () => (stopped ? resolve() : reject(new Error("the server closed the connection"))));
    socket.on("data", (data: Buffer) => {
      size += data.length;
      if (missing === -1) {
        const all: Buffer = rest === undefined ? data : Buffer.concat([rest, data]);
        const headEnd = all.indexOf("\r\n\r\n");
        if (headEnd === -1) {
          rest = all;
          return;
        }
        rest = undefined;
        const text = all.toString("latin1", 0, headEnd);
        const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
        if (!text.startsWith("HTTP/1.1 200") || length === undefined) {
          stopped = true;
          socket.destroy();
          return reject(new Error(`unexpected response: ${all.toString("latin1", 0, 400)}`));
        }
        missing = Number(length) - (all.length - headEnd - 4);
      } else missing -= data.length;
      if (missing > 0) return;
      tally.record(startedAt, size);
      begin();
    });
    void ended.then(() => {
      stopped = true;
      socket.destroy();
    });
    begin();
  });
}

export async function dial(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}
