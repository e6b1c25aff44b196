import { connect, type Socket } from "node:net";
import type { Tally } from "./tally.js";

/** What is asked again and again. */
export interface Ask {
  /** Path with an optional query. */
  path: string;
  token: string;
  body: Buffer;
  /** Where the body has 20 digits that must be new each time; undefined if nowhere. */
  idAt: number | undefined;
}

/** 20 digits that were never there before in this process, nor in another one. */
export function freshId(): string {
  issued += 1;
  return `${PREFIX}${String(issued).padStart(10, "0")}`;
}
let issued = 0;
const PREFIX = String(process.pid).padStart(10, "0").slice(-10);

/**
 * One HTTP/1.1 connection with one request under way at any time. It writes ready bytes and reads just enough of an answer to know
 * where it ends, so that it takes much less time than any server: a client library would be slower than what it measures.
 */
export async function drive(url: URL, ask: Ask, tally: Tally, ended: Promise<void>): Promise<void> {
  const socket = await dial(url);
  const head = Buffer.from(
    [
      `POST ${ask.path} HTTP/1.1`,
      `Host: ${url.host}`,
      "Content-Type: application/proto",
      `Authorization: Bearer ${ask.token}`,
      `Content-Length: ${ask.body.length}`,
      "",
      "",
    ].join("\r\n"),
  );
  const request = Buffer.concat([head, ask.body]);
  const next = () => {
    if (ask.idAt === undefined) return request;
    const fresh = Buffer.from(request);
    fresh.write(freshId(), head.length + ask.idAt, "latin1");
    return fresh;
  };

  let over = false;
  let missing = -1; // bytes of the answer's body that are still to come; -1 while its head is not there
  let size = 0;
  let rest: Buffer | undefined;
  let since = 0;
  const begin = () => {
    missing = -1;
    size = 0;
    since = performance.now();
    socket.write(next());
  };
  return new Promise((resolve, reject) => {
    socket.on("error", (error) => (over ? undefined : reject(error)));
    socket.on("close", () => (over ? resolve() : reject(new Error("the server closed the connection"))));
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
          over = true;
          socket.destroy();
          return reject(new Error(`unexpected answer: ${all.toString("latin1", 0, 400)}`));
        }
        missing = Number(length) - (all.length - headEnd - 4);
      } else missing -= data.length;
      if (missing > 0) return;
      tally.note(since, size);
      begin();
    });
    void ended.then(() => {
      over = true;
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
