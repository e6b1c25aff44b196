import type { Socket } from "node:net";

/** Makes a socket send Content-Length before all other headers; the library writes it last, and other clients do not. */
export function sendLengthFirst(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (data: Uint8Array | string, ...rest: unknown[]) => boolean;
  socket.write = (data: Uint8Array | string, ...rest: unknown[]) =>
    write(typeof data === "string" ? data.replace(HEAD, "$1$3$2") : data, ...rest);
  return socket;
}

/** A head: its first line, its other lines, and Content-Length as the last one. */
const HEAD = /^([A-Z]+ [^\r\n]* HTTP\/1\.1\r\n)(.*?\r\n)(content-length: \d+\r\n)(?=\r\n$)/s;
