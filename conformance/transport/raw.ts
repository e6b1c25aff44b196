import type { Socket } from "node:net";
import { afterRunnableTime } from "./deadline.js";

export interface RawOptions {
  /**
   * The action after all bytes are written: wait for the response ("read", the default), half-close the connection and
   * then wait for the response ("end"), or close the connection at once ("close").
   */
  afterwards?: "read" | "end" | "close";
  /** Time limit, in milliseconds. Default 5,000. */
  timeoutMs?: number;
}

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
      resolve(finalResponse(text));
    };
    const cancelTimer = afterRunnableTime(timeoutMs, finish);
    socket.on("error", finish);
    socket.on("close", finish);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (isComplete(text)) finish();
    });
    // Closing only after the kernel has taken the bytes makes sure that the server receives them.
    socket.write(bytes, () => {
      if (afterwards === "close") socket.end(() => finish());
      else if (afterwards === "end") socket.end();
    });
  });
}

/** Whether a response with a Content-Length is complete. A response without Content-Length ends with the connection. */
function isComplete(received: string): boolean {
  const text = finalResponse(received);
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head))?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

/** The status of a raw response; 0 if there is none. */
export function rawStatus(response: string): number {
  return Number(/^HTTP\/1\.\d (\d{3})/.exec(response)?.[1] ?? 0);
}

/**
 * Skips informational responses (1xx), of which a server may send any number before the final one (RFC 9110, section
 * 15.2).
 */
function finalResponse(text: string): string {
  const informational = /^HTTP\/1\.\d 1\d\d[\s\S]*?\r\n\r\n/.exec(text)?.[0];
  return informational === undefined ? text : finalResponse(text.slice(informational.length));
}
