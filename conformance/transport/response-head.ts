import type { Socket } from "node:net";

/** Longest head of an informational response that is skipped, in bytes. */
const MAX_HEAD_BYTES = 4096;

/** The beginning of an informational response other than 101, and what may become one when more bytes arrive. */
const INFORMATIONAL = /^HTTP\/1\.\d 1(?!01)\d\d[ \r]/;
const INCOMPLETE = /^(H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.\d|HTTP\/1\.\d |HTTP\/1\.\d 1\d{0,2})$/;

const TAB = 0x09;
const SPACE = 0x20;

/**
 * Makes the heads of responses digestible for undici, which is stricter than HTTP:
 *
 * - Skips informational responses, such as a `100 Continue` that the request did not ask for. A client must accept them
 *   before any response, in any number and order (RFC 9110, section 15.2), but undici closes the connection.
 * - Replaces tabs by spaces: both may surround the value of a header (RFC 9110, section 5.6.3), but undici takes the tab
 *   of `chunked<tab>` for a part of the value.
 *
 * A response begins with the first bytes after a write. Other bytes are not examined.
 */
export function simplifyResponseHeads<T extends Socket>(socket: T): T {
  const { read, write } = socket;
  let part: "start" | "head" | "body" = "start";
  /** The last bytes of the head so far: its end may be divided between packets. */
  let tail = "";
  /** The beginning of what may be an informational response. Not by `unshift`, which would be an event for itself. */
  let held: Buffer | undefined;
  socket.write = ((...args: Parameters<typeof write>) => {
    part = "start";
    tail = "";
    return write.apply(socket, args);
  }) as typeof write;

  /** Returns the next bytes, without informational responses; null if more have to arrive. */
  const skipInformational = (bytes: Buffer | null): Buffer | null => {
    if (bytes === null) return null;
    let chunk: Buffer | null = held === undefined ? bytes : Buffer.concat([held, bytes]);
    held = undefined;
    while (chunk !== null) {
      const start = chunk.toString("latin1", 0, 13);
      const isInformational = INFORMATIONAL.test(start);
      if (!isInformational && !INCOMPLETE.test(start)) return chunk;
      const end: number = isInformational ? chunk.indexOf("\r\n\r\n") : -1;
      if (end >= 0)
        chunk = end + 4 < chunk.length ? chunk.subarray(end + 4) : (read.call(socket, undefined) as Buffer | null);
      else if (chunk.length > MAX_HEAD_BYTES) return chunk;
      else {
        held = chunk;
        return null;
      }
    }
    return null;
  };

  const replaceTabs = (chunk: Buffer): void => {
    const end = (tail + chunk.toString("latin1")).indexOf("\r\n\r\n");
    const length = end < 0 ? chunk.length : end - tail.length;
    for (let at = 0; at < length; at += 1) if (chunk[at] === TAB) chunk[at] = SPACE;
    tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 3))).slice(-3);
    if (end >= 0) part = "body";
  };

  socket.read = (size?: number) => {
    let chunk = read.call(socket, size) as Buffer | null;
    if (part === "start") chunk = skipInformational(chunk);
    if (chunk === null || part === "body") return chunk;
    part = "head";
    replaceTabs(chunk);
    return chunk;
  };
  return socket;
}

/**
 * Lets undici notice that a response is cut: it takes a reset within a body that ends with its connection for its end
 * (the code ECONNRESET, which some systems report after a complete body). By HTTP, such a response is incomplete
 * (RFC 9112, section 8).
 */
export function reportResets<T extends Socket>(socket: T): T {
  const { destroy } = socket;
  socket.destroy = ((error?: NodeJS.ErrnoException) =>
    destroy.call(
      socket,
      error?.code === "ECONNRESET" ? new Error("the connection was reset", { cause: error }) : error,
    )) as typeof destroy;
  return socket;
}
