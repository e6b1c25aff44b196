import type { Socket } from "node:net";
import { afterRunnableTime } from "./deadline.js";

export interface RawOptions {
  /**
   * What to do once all is written: wait for the answer (default), or say that no more comes and wait until the server has
   * answered or closed, or go away at once.
   */
  afterwards?: "read" | "end" | "close";
  /** Gives up waiting after this many milliseconds. Default 5,000. */
  timeoutMs?: number;
}

/**
 * Writes bytes to a server as they are, for requests that no HTTP client would send. Resolves with what came back until the
 * server closed, a whole answer was there, or the time was up; with an empty string if nothing came. Ends the connection.
 */
export function rawExchange(socket: Socket, bytes: Uint8Array | string, options: RawOptions = {}): Promise<string> {
  const { afterwards = "read", timeoutMs = 5000 } = options;
  return new Promise((resolve) => {
    let text = "";
    const finish = () => {
      callOff();
      socket.destroy();
      resolve(text);
    };
    const callOff = afterRunnableTime(timeoutMs, finish);
    socket.on("error", finish);
    socket.on("close", finish);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (isWhole(text)) finish();
    });
    // The bytes are handed to the kernel before the connection goes: the server does see them.
    socket.write(bytes, () => {
      if (afterwards === "close") socket.end(() => finish());
      else if (afterwards === "end") socket.end();
    });
  });
}

/** Whether an answer with a declared length is complete. One without ends when the connection does. */
function isWhole(text: string): boolean {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head))?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

/** The status of a raw answer; 0 if there was none. */
export function rawStatus(answer: string): number {
  return Number(/^HTTP\/1\.\d (\d{3})/.exec(answer)?.[1] ?? 0);
}
