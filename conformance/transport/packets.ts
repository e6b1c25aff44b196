import type { Socket } from "node:net";

/** Delay between two packets, in milliseconds: enough for the other side to read the first one alone. */
const DELAY_MS = 1;
/** Number of bytes that are sent one by one at the start of what is written after the head. */
const SINGLE_BYTES = 4;
/**
 * Number of packets of a request after which the rest follows without delays. On a busy machine each delay takes far
 * longer than planned, and a request of a hundred packets would look like a call that the server leaves waiting.
 */
const MAX_DELAYS = 12;

/**
 * Makes a socket send its data in several packets: the head of a request alone, then some single bytes of the body,
 * then the rest. Real networks may deliver any request in this way.
 */
export function sendInPackets(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (data: Uint8Array, done?: (error?: Error | null) => void) => boolean;
  const pending: { data: Uint8Array; done?: ((error?: Error | null) => void) | undefined }[] = [];
  let isWaiting = false;
  let delays = 0;
  const sendNext = () => {
    let next = pending.shift();
    for (; next !== undefined; next = pending.shift()) {
      if (socket.destroyed) next.done?.(new Error("the connection was closed"));
      else write(next.data, next.done);
      delays = isHead(next.data) ? 1 : delays + 1;
      if (delays <= MAX_DELAYS) break;
    }
    isWaiting = next !== undefined;
    if (isWaiting) setTimeout(sendNext, DELAY_MS);
  };
  // Otherwise the socket would join the packets again.
  socket.cork = () => {};
  socket.uncork = () => {};
  socket.write = (data: Uint8Array | string, encoding?: unknown, callback?: unknown): boolean => {
    const done = (typeof encoding === "function" ? encoding : callback) as ((error?: Error | null) => void) | undefined;
    const bytes =
      typeof data === "string"
        ? Buffer.from(data, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
        : data;
    const packets = split(bytes);
    for (const [index, packet] of packets.entries())
      pending.push({ data: packet, done: index === packets.length - 1 ? done : undefined });
    if (!isWaiting) sendNext();
    return true;
  };
  return socket;
}

/** Number of bytes in which a character of several bytes is looked for. */
const MAX_SEARCHED = 1024;

/** Tells whether data is the head of a request, or begins with it. */
const isHead = (data: Uint8Array) => /^[A-Z]+ [^\r\n]* HTTP\/1\.1\r\n/.test(textOf(data));

const textOf = (data: Uint8Array) =>
  Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, 65_536)).toString("latin1");

/** Splits data: a head stays whole, since the line between it and the body is what servers get wrong. */
function split(data: Uint8Array): Uint8Array[] {
  const text = textOf(data);
  const blankLine = text.indexOf("\r\n\r\n");
  // The last line of the head of a chunked request is written later.
  const end = !isHead(data) ? 0 : blankLine < 0 ? data.length : blankLine + 4;
  const singles = Math.min(SINGLE_BYTES, Math.max(0, data.length - end - 1));
  const rest = end + singles;
  const inCharacter = insideCharacter(data, rest);
  const packets = [
    data.subarray(0, end),
    ...Array.from({ length: singles }, (_, index) => data.subarray(end + index, end + index + 1)),
    data.subarray(rest, inCharacter),
    data.subarray(inCharacter),
  ];
  return packets.filter(({ length }) => length > 0);
}

/** Returns the place after the first byte of the first longer UTF-8 character from `start` on; `start` if none is found. */
function insideCharacter(data: Uint8Array, start: number): number {
  const end = Math.min(data.length, start + MAX_SEARCHED);
  for (let at = start; at + 1 < end; at += 1)
    if ((data[at] ?? 0) >= 0xc2 && ((data[at + 1] ?? 0) & 0xc0) === 0x80) return at + 1;
  return start;
}
