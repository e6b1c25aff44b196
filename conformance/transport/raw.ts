import type { Socket } from "node:net";
import { afterRunnableTime } from "./deadline.js";
import type { Caller } from "./messages.js";

/** Maximum size of the last chunk with its trailers, in bytes. */
const MAX_END_BYTES = 8192;

export interface RawOptions {
  /**
   * The action after all bytes are written: wait for the response ("read", the default), half-close the connection and
   * then wait for the response ("end"), or close the connection at once ("close").
   */
  afterwards?: "read" | "end" | "close";
  /** Time limit, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  /** Who makes the request, for records. */
  caller?: Caller;
}

/** Maximum length of a response that is read, in characters of one byte. */
const MAX_CHARACTERS = 4 << 20;

/**
 * Writes bytes to a server unchanged, for requests that no HTTP client would send. Resolves with what was received
 * until the server closed the connection, the response was complete, or the time limit passed; with an empty string if
 * nothing was received. Closes the connection.
 */
export function rawExchange(socket: Socket, bytes: Uint8Array | string, options: RawOptions = {}): Promise<string> {
  const { afterwards = "read", timeoutMs = 5000 } = options;
  return new Promise((resolve) => {
    let text = "";
    const finish = () => {
      cancelTimer();
      socket.destroy();
      resolve(text);
    };
    const cancelTimer = afterRunnableTime(timeoutMs, finish);
    socket.on("error", finish);
    socket.on("close", finish);
    socket.on("data", (chunk) => {
      text = finalResponse(text + chunk.toString("latin1"));
      if (text.length > MAX_CHARACTERS || isComplete(text)) finish();
    });
    // Closing only after the kernel has taken the bytes makes sure that the server receives them.
    socket.write(bytes, () => {
      if (afterwards === "close") socket.end(() => finish());
      else if (afterwards === "end") socket.end();
    });
  });
}

/** Whether a response is complete. One with neither a length nor chunks ends with the connection. */
function isComplete(text: string): boolean {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const header = text.slice(0, head);
  if (/^transfer-encoding:.*\bchunked[ \t]*$/im.test(header))
    return LAST_CHUNK.test(text.slice(Math.max(head + 2, text.length - MAX_END_BYTES)));
  const length = /^content-length:[ \t]*(\d+)/im.exec(header)?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

/** The last chunk, with its extensions, and the trailers after it. */
const LAST_CHUNK = /\r\n0+[ \t]*(;[^\r\n]*)?\r\n([^\r\n]+\r\n)*\r\n$/;

/** The status of a raw response; 0 if there is none. */
export function rawStatus(response: string): number {
  return Number(/^HTTP\/1\.\d (\d{3})/.exec(response)?.[1] ?? 0);
}

/**
 * Skips informational responses (1xx), of which a server may send any number before the final one (RFC 9110, section
 * 15.2).
 */
function finalResponse(text: string): string {
  let start = 0;
  while (/^HTTP\/1\.\d 1\d\d/.test(text.slice(start, start + 12))) {
    const end = text.indexOf("\r\n\r\n", start);
    if (end < 0) break;
    start = end + 4;
  }
  return text.slice(start);
}
