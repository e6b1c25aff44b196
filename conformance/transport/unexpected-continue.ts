import type { Socket } from "node:net";

/** Longest head of a `100 Continue` that is skipped, in bytes. */
const MAX_HEAD_BYTES = 4096;

/**
 * Skips a `100 Continue` that the request did not ask for. A client must accept it before any response (RFC 9110,
 * section 15.2), but undici closes the connection. Only the first bytes after a write are examined, because a response
 * begins there.
 */
export function skipUnexpectedContinue<T extends Socket>(socket: T): T {
  const { read, write } = socket;
  let atStart = true;
  socket.write = ((...args: Parameters<typeof write>) => {
    atStart = true;
    return write.apply(socket, args);
  }) as typeof write;
  socket.read = (size?: number) => {
    let chunk = read.call(socket, size) as Buffer | null;
    while (atStart && chunk !== null && /^HTTP\/1\.\d 100[ \r]/.test(chunk.toString("latin1", 0, 13))) {
      const end = chunk.indexOf("\r\n\r\n");
      if (end < 0) {
        if (chunk.length > MAX_HEAD_BYTES) break;
        socket.unshift(chunk);
        return null;
      }
      chunk = end + 4 < chunk.length ? chunk.subarray(end + 4) : (read.call(socket, size) as Buffer | null);
    }
    if (chunk !== null) atStart = false;
    return chunk;
  };
  return socket;
}
